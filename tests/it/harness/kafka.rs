//! A real Apache Kafka: one KRaft node from the jars of Maven Central, on free ports, with a folder of its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::folder::Folder;
use super::{children, free_ports, target_dir, wait_for};

/// Names the release, for `make setup-test` too.
const POM: &str = include_str!("../../kafka/pom.xml");

const START_DEADLINE: Duration = Duration::from_secs(90);

/// A broker. Killed with this value; the shared one with the process.
pub struct Kafka {
    port: u16,
    child: Option<Child>,
    dir: Folder,
}

/// The broker that all tests share which do not disturb it.
pub fn shared() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::start_with(SHARED_SESSION))
}

impl Kafka {
    /// A broker of the caller's own, which may be killed.
    pub fn start() -> Self {
        Self::start_with(OWN_SESSION)
    }

    fn start_with(session: Duration) -> Self {
        let dir = Folder::new();
        let [port, controller_port] = free_ports();
        fs::write(dir.path().join("server.properties"), properties(dir.path(), port, controller_port, session))
            .expect("write server.properties");
        format_storage(dir.path());
        let mut kafka = Self { port, child: None, dir };
        kafka.restart();
        kafka
    }

    /// For `--brokers`.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the broker as kill -9 does; what it acknowledged stays in its folder.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("kill the broker");
            child.wait().expect("wait for the broker");
        }
    }

    /// Sends `signal` to the broker, SIGSTOP and SIGCONT for one.
    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a running broker");
        kill(Pid::from_raw(i32::try_from(child.id()).expect("process ids are small")), signal)
            .expect("signal the broker");
    }

    /// Starts the broker again on its folder and port, and waits until it serves.
    pub fn restart(&mut self) {
        self.kill();
        let log = self.dir.path().join("kafka.log");
        let mut args = java_options();
        args.extend(["kafka.Kafka".into(), self.dir.path().join("server.properties").into()]);
        let file = File::create(&log).expect("create the broker's log");
        let child = children::spawn("java", &args, |command| {
            command.current_dir(self.dir.path()).stderr(file.try_clone().expect("share the log")).stdout(file);
        });
        let child = self.child.insert(child);
        wait_for("Apache Kafka to start", START_DEADLINE, || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if let Some(status) = child.try_wait().expect("wait for the broker") {
                panic!("Apache Kafka ended with {status}:\n{said}");
            }
            said.contains("Kafka Server started").then_some(())
        });
    }

    /// Creates a topic and returns its name, which begins with `prefix` and is new.
    pub fn fresh_topic(&self, prefix: &str, partitions: i32) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{prefix}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.create_topic(&name, partitions);
        name
    }

    /// Creates topic `name`.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        self.administer(async |admin, options| {
            let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
            admin.create_topics([&topic], options).await.map(|results| {
                results.into_iter().for_each(|result| drop(result.expect("create a topic")));
            })
        });
    }

    /// Deletes topic `name`, and returns once it is gone.
    pub fn delete_topic(&self, name: &str) {
        self.administer(async |admin, options| {
            admin.delete_topics(&[name], options).await.map(|results| {
                results.into_iter().for_each(|result| drop(result.expect("delete a topic")));
            })
        });
        let client = self.producer();
        wait_for("the topic to be gone", Duration::from_secs(30), || {
            let metadata = client.client().fetch_metadata(None, Duration::from_secs(10)).expect("metadata");
            (!metadata.topics().iter().any(|topic| topic.name() == name)).then_some(())
        });
    }

    /// Deletes the records of a partition below offset `before`, as retention does.
    pub fn delete_records(&self, name: &str, partition: i32, before: i64) {
        self.administer(async |admin, options| {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(name, partition, Offset::Offset(before)).expect("an offset");
            let deleted = admin.delete_records(&list, options).await?;
            deleted.elements().iter().for_each(|element| element.error().expect("delete records"));
            Ok(())
        });
    }

    /// Raises the number of partitions of topic `name` to `partitions`.
    pub fn add_partitions(&self, name: &str, partitions: usize) {
        self.administer(async |admin, options| {
            admin.create_partitions([&NewPartitions::new(name, partitions)], options).await.map(|results| {
                results.into_iter().for_each(|result| drop(result.expect("add partitions")));
            })
        });
    }

    /// Lets records of topic `name` be as large as `bytes`.
    pub fn raise_message_limit(&self, name: &str, bytes: u32) {
        let bytes = bytes.to_string();
        self.administer(async |admin, options| {
            let config = AlterConfig::new(ResourceSpecifier::Topic(name)).set("max.message.bytes", &bytes);
            admin.alter_configs([&config], options).await.map(|results| {
                results.into_iter().for_each(|result| drop(result.expect("change a topic's settings")));
            })
        });
    }

    /// The offset after the last record of a partition.
    pub fn end_offset(&self, topic: &str, partition: i32) -> i64 {
        let client = self.producer();
        let (_, end) =
            client.client().fetch_watermarks(topic, partition, Duration::from_secs(10)).expect("the broker's answer");
        end
    }

    fn administer(
        &self,
        work: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> rdkafka::error::KafkaResult<()>,
    ) {
        let admin: AdminClient<DefaultClientContext> = self.client_config().create().expect("an admin client");
        let options = AdminOptions::new().operation_timeout(Some(Timeout::After(Duration::from_secs(30))));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work(&admin, &options)).expect("the broker's answer");
    }

    /// Settings that reach this broker.
    pub fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.brokers()).set("reconnect.backoff.max.ms", "1000");
        config
    }

    /// An idempotent one waits half a second for its id. Nothing is sent while a broker is killed, so that no request is sent twice;
    /// the order stays with one request at a time.
    fn producer(&self) -> ThreadedProducer<rdkafka::producer::DefaultProducerContext> {
        let mut config = self.client_config();
        config.set("max.in.flight", "1").set("linger.ms", "5").set("queue.buffering.max.messages", "1000000");
        config.set("message.max.bytes", "8000000");
        config.create().expect("a producer")
    }

    /// Sends records as they are, in this order, and returns once all are acknowledged.
    pub fn produce<'a>(&self, topic: &str, records: impl IntoIterator<Item = Message<'a>>) {
        let producer = self.producer();
        for message in records {
            let mut record = BaseRecord::<[u8], [u8]>::to(topic);
            record.partition = message.partition;
            record.key = message.key;
            record.payload = message.value;
            record.timestamp = message.timestamp_ms;
            while let Err((error, back)) = producer.send(record) {
                let full = error.rdkafka_error_code() == Some(rdkafka::types::RDKafkaErrorCode::QueueFull);
                assert!(full, "produce to {topic}: {error}");
                std::thread::sleep(Duration::from_millis(5));
                record = back;
            }
        }
        producer.flush(Duration::from_secs(60)).expect("all records acknowledged");
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A record to send.
#[derive(Clone, Copy, Default)]
pub struct Message<'a> {
    /// The partition; by the hash of the key where `None`.
    pub partition: Option<i32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is Kafka's null.
    pub value: Option<&'a [u8]>,
    /// The record's timestamp in milliseconds; the time of sending where `None`.
    pub timestamp_ms: Option<i64>,
}

/// How long the broker that all tests share may be silent. A machine that is busy makes it so for seconds; its controller would
/// take it for dead, and no topic would have a leader.
const SHARED_SESSION: Duration = Duration::from_secs(60);

/// The same of a broker that is killed: a restart waits for the old session to end.
const OWN_SESSION: Duration = Duration::from_secs(4);

fn properties(dir: &Path, port: u16, controller_port: u16, session: Duration) -> String {
    let (data, session_ms) = (dir.join("data"), session.as_millis());
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}\n\
         log.dirs={}\n\
         broker.session.timeout.ms={session_ms}\n\
         group.initial.rebalance.delay.ms=0\n\
         offsets.topic.num.partitions=1\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.num.partitions=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         auto.create.topics.enable=false\n\
         log.retention.ms=-1\n",
        data.display()
    )
}

fn format_storage(dir: &Path) {
    let id = cluster_id();
    let mut args = java_options();
    args.extend(["kafka.tools.StorageTool", "format", "--standalone", "-t", &id, "-c"].map(OsString::from));
    args.push(dir.join("server.properties").into());
    let output = Command::new("java")
        .args(&args)
        .current_dir(dir)
        .output()
        .unwrap_or_else(|error| panic!("java: {error}. `make setup-test` installs what the tests need"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "format Kafka's storage: {said}");
}

/// 16 random bytes in base64url. Kafka refuses ids that begin with a dash, hence the first byte.
fn cluster_id() -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = rand::random::<u128>() >> 3;
    // 22 digits of 6 bits hold 132: the last digit has 4 bits of padding.
    (0..22)
        .map(|i| char::from(DIGITS[if i < 21 { (bits >> (122 - 6 * i)) & 63 } else { (bits & 3) << 4 } as usize]))
        .collect()
}

fn java_options() -> Vec<OsString> {
    let jars = jars_dir();
    assert!(jars.is_dir(), "no {}: run `make setup-test` first", jars.display());
    let mut options: Vec<OsString> =
        ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"].map(OsString::from).into();
    let mut class_path = jars.into_os_string();
    class_path.push("/*");
    options.push(class_path);
    let logging = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/log4j2.properties");
    options.push(format!("-Dlog4j2.configurationFile={logging}").into());
    options
}

/// Where `make setup-test` puts the jars: beside what cargo builds.
fn jars_dir() -> PathBuf {
    let version = POM
        .split_once("<artifactId>kafka_2.13</artifactId>")
        .and_then(|(_, rest)| rest.split_once("<version>")?.1.split_once("</version>"))
        .map(|(version, _)| version)
        .expect("the pom names Kafka's version");
    target_dir().join(format!("kafka-{version}"))
}
