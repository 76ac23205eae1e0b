# shellcheck shell=bash
# Apache Kafka: one node, broker and controller, and the topics that viewtide reads.

TOPICS=(youtube_stats youtube_videos)

# More workers than partitions would have some that read nothing.
PARTITIONS=4

brokers() { echo "127.0.0.1:$(port_of kafka)"; }

kafka_properties() {
    local broker controller
    broker=$(brokers)
    controller=127.0.0.1:$(port_of kafka-controller)
    cat <<-END
		process.roles=broker,controller
		node.id=1
		listeners=PLAINTEXT://$broker,CONTROLLER://$controller
		advertised.listeners=PLAINTEXT://$broker
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
		controller.listener.names=CONTROLLER
		# Named here and not in what is stored, so that the port may be another one at the next start.
		controller.quorum.voters=1@$controller
		log.dirs=data
		# Whoever is away for longer has lost records.
		log.retention.hours=720
		num.partitions=$PARTITIONS
		offsets.topic.num.partitions=1
		offsets.topic.replication.factor=1
		transaction.state.log.num.partitions=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		group.initial.rebalance.delay.ms=0
		auto.create.topics.enable=false
	END
}

kafka_java=(java -Xms256m -Xmx512m -XX:+UseSerialGC -cp "$(kafka_jars)/*"
    -Dlog4j2.configurationFile="$root/tests/kafka/log4j2.properties")

start_kafka() {
    choose_port kafka 9092
    choose_port kafka-controller 9093
    kafka_properties >"$dir/kafka/server.properties"
    [ -e "$dir/kafka/data/meta.properties" ] || format_kafka
    start kafka "$dir/kafka" "${kafka_java[@]}" kafka.Kafka server.properties
}

# Names the cluster, by 16 random bytes in base64url. One that begins with a dash would be taken for a flag.
format_kafka() {
    local id
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_')
    (
        cd "$dir/kafka"
        "${kafka_java[@]}" kafka.tools.StorageTool format -t "A${id:1:21}" -c server.properties
    ) >"$dir/log/kafka.log" 2>&1 || give_up kafka "could not make its folder"
}

kafka_is_ready() { grep -q 'Kafka Server started' "$dir/log/kafka.log"; }

# A file without records sends none, and makes the topic where there is none.
make_topics() {
    local topic
    echo 'timestamp,video_id,viewCount' >"$dir/kafka/none.csv"
    for topic in "${TOPICS[@]}"; do
        "$viewtide" replay --brokers "$(brokers)" --topic "$topic" --partitions "$PARTITIONS" \
            "$dir/kafka/none.csv" >"$dir/log/topics.log" 2>&1 9>&- || give_up topics "could not be made"
    done
}
