# shellcheck shell=bash
# MLflow's tracking server, which every retraining is mirrored to.

mlflow_uri() { echo "http://127.0.0.1:$(port_of mlflow)"; }

start_mlflow() {
    choose_port mlflow 5001
    # Job execution is eight more processes, which nothing here needs.
    start mlflow "$dir/mlflow" env MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
        "$(mlflow_home)/bin/python" -m mlflow server --host 127.0.0.1 --port "$(port_of mlflow)" --workers 1 \
        --backend-store-uri sqlite:///mlflow.db --serve-artifacts --artifacts-destination artifacts
}

mlflow_is_ready() { answers "$(port_of mlflow)" /health; }
