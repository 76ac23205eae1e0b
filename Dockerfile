# viewtide alone, for a Kafka and a Postgres that are elsewhere: docker build -t viewtide .
# cluster/compose.yml has the whole chain.

# The version of rust-toolchain.toml.
FROM rust:1.95.0-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY dataflows dataflows
COPY models models
COPY migrations migrations
COPY data data
COPY cluster/metabase cluster/metabase
# Named in Cargo.toml, and not built.
COPY benches benches
# What was fetched and built stays for the next build; only the program goes on.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    cargo build --release --locked && cp target/release/viewtide /usr/local/bin/viewtide

FROM debian:bookworm-slim
# As new as Debian has them: that is where repairs of OpenSSL come from.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin viewtide
COPY --from=build /usr/local/bin/viewtide /usr/local/bin/viewtide
USER 10001
# Inside the container every address; who reaches it from outside is for whoever publishes the port.
ENV VIEWTIDE_HTTP=0.0.0.0:8088
EXPOSE 8088
# By bash itself, since there is no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m --start-interval=1s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8088 && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["viewtide"]
CMD ["run"]
