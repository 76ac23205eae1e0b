//! Which errors of Kafka pass by themselves.

use rdkafka::error::RDKafkaErrorCode;

/// Whether an error passes by itself, or concerns the group, which is for information only. Any other one stops the reader:
/// it may mean that records were left out.
pub(super) fn passes(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::SSL
            | Code::Authentication
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::BrokerNotAvailable
            | Code::NetworkException
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::ReplicaNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::KafkaStorageError
            | Code::Retry
            | Code::InProgress
            | Code::WaitCache
            | Code::DestroyBroker
            // The keeper looks into these.
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopicId
            // The group.
            | Code::WaitingForCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::GroupAuthorizationFailed
            | Code::InvalidGroupId
            | Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::RebalanceInProgress
    )
}
