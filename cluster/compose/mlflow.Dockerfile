# MLflow's tracking server with its pages, of the same parts as that of `make up`.
FROM python:3.11-slim-bookworm
COPY tests/mlflow/requirements.txt /requirements.txt
# The list is whole; what pip would add is for training models in Python.
RUN pip install --no-cache-dir --no-deps -r /requirements.txt \
    && useradd --system --uid 10002 --create-home --home-dir /mlflow mlflow
ENV MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
USER 10002
WORKDIR /mlflow
# It answers to names that it knows only, against pages elsewhere that have a browser ask it.
ENTRYPOINT ["mlflow", "server", "--host", "0.0.0.0", "--port", "5001", "--workers", "1", \
    "--allowed-hosts", "mlflow:5001,localhost:5001,127.0.0.1:5001", "--backend-store-uri", "sqlite:////mlflow/mlflow.db", \
    "--serve-artifacts", "--artifacts-destination", "/mlflow/artifacts"]
EXPOSE 5001
HEALTHCHECK --interval=10s --timeout=5s --start-period=2m --start-interval=1s --retries=3 CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5001/health', timeout=4)"]
