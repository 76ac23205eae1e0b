# shellcheck shell=bash
# Where `scripts/setup.sh` puts what is run beside viewtide; to be sourced, in the clone's own folder. Each name has the version
# in it, so that another version is fetched beside it.

# Where cargo builds.
target=$(realpath -m -- "${CARGO_TARGET_DIR:-target}")
tools=$target/tools

# The jars of Apache Kafka.
kafka_jars() {
    echo "$target/kafka-$(sed -n '/<artifactId>kafka_2.13</{n;s/.*<version>\(.*\)<.*/\1/p}' tests/kafka/pom.xml)"
}

# MLflow's tracking server, a virtual environment of Python.
mlflow_home() {
    echo "$tools/mlflow-server-$(sed -n 's/^mlflow==//p' tests/mlflow/requirements.txt)"
}

# What checks scripts, the Dockerfile and the compose file; likewise.
checks_home() {
    echo "$tools/checks-$(sed -n 's/^check-jsonschema==//p' tests/checks/requirements.txt)"
}

# What drives Chromium and judges pages; named for the versions of all of it.
pages_home() {
    echo "$tools/pages-$(sha256sum tests/pages/package-lock.json | cut -c1-12)"
}
