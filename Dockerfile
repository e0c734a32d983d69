# Two images of one making: `driftloop` for the steps and all services but one, `drift` for the drift detector.
# `driftloop images build` makes both, with this machine's package index and certificates: docs/images.md.
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

# What installs, by hash; it stays behind, as pip does.
FROM ${BASE_IMAGE} AS installer
WORKDIR /build
COPY requirements/tools.txt scripts/install_locked.sh ./
RUN --mount=type=secret,id=index --mount=type=secret,id=certificates ./install_locked.sh tools

FROM installer AS driftloop-environment
COPY requirements/image.txt ./
RUN --mount=type=secret,id=index --mount=type=secret,id=certificates ./install_locked.sh packages image.txt

FROM installer AS drift-environment
COPY requirements/drift.txt ./
RUN --mount=type=secret,id=index --mount=type=secret,id=certificates ./install_locked.sh packages drift.txt

# Pure Python, the same for both images. A layer of its own: new code does not send the packages again.
FROM installer AS code
COPY . ./checkout/
RUN --mount=type=secret,id=index --mount=type=secret,id=certificates \
    ./install_locked.sh code checkout/requirements/image.txt checkout

# The base without its packages: nothing is installed at run time. A read-only file system keeps no bytecode for later.
FROM ${BASE_IMAGE} AS runtime
RUN find / -xdev \( -path '*/python3*/*-packages/*' -o -path '*/bin/pip*' -o -name ensurepip -o -name python-wheels \) \
      -prune -exec rm -r {} + \
    && python3 -m compileall -q "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin driftloop
ENV PATH=/opt/driftloop/bin:/opt/environment/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    HOME=/tmp \
    DRIFTLOOP_HOME=/tmp/driftloop

FROM runtime AS drift
COPY --from=drift-environment /opt/environment /opt/environment
COPY --from=code /opt/driftloop /opt/driftloop
WORKDIR /opt/driftloop
USER 10001:10001
CMD ["python", "-m", "serving.drift"]
ARG VERSION=unknown
ARG REVISION=unknown
ENV DRIFTLOOP_CODE_VERSION=${REVISION}
LABEL org.opencontainers.image.title="driftloop drift detector" \
      org.opencontainers.image.description="Windows of live traffic against their reference, by alibi-detect or scipy." \
      org.opencontainers.image.source="https://github.com/driftloop/driftloop" \
      org.opencontainers.image.licenses="Apache-2.0 AND BUSL-1.1" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS driftloop
COPY --from=driftloop-environment /opt/environment /opt/environment
COPY --from=code /opt/driftloop /opt/driftloop
WORKDIR /opt/driftloop
USER 10001:10001
CMD ["driftloop", "--help"]
ARG VERSION=unknown
ARG REVISION=unknown
ENV DRIFTLOOP_CODE_VERSION=${REVISION}
LABEL org.opencontainers.image.title="driftloop" \
      org.opencontainers.image.description="Steps of the training pipeline, predictor, event log and trigger." \
      org.opencontainers.image.source="https://github.com/driftloop/driftloop" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
