# One image for the API and the workers. Stages: `build` makes a virtual environment, `runtime` is what runs; `flower`
# is the same with Celery's monitor, for the profile `monitoring` of docker-compose.yml.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_REQUIRE_VIRTUALENV=0
# Everything is a wheel with a known hash: nothing is compiled, nothing is taken unseen. pip stays out of the environment.
COPY deploy/requirements/*.txt /requirements/
RUN python -m venv --without-pip /opt/dualtrain \
 && python -m venv /opt/tools \
 && /opt/tools/bin/pip install --quiet --no-deps --require-hashes --only-binary :all: -r /requirements/build.txt \
 && /opt/tools/bin/pip --python /opt/dualtrain/bin/python install --quiet --no-deps --require-hashes --only-binary :all: \
        -r /requirements/service.txt -r /requirements/tracing.txt
COPY pyproject.toml README.md LICENSE /source/
COPY core /source/core
COPY worker /source/worker
COPY api /source/api
COPY client /source/client
COPY dualtrain /source/dualtrain
RUN /opt/tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels /source \
 && /opt/tools/bin/pip --python /opt/dualtrain/bin/python install --quiet --no-deps --no-index /wheels/*.whl

FROM build AS build-flower
RUN /opt/tools/bin/pip --python /opt/dualtrain/bin/python install --quiet --no-deps --require-hashes --only-binary :all: \
        -r /requirements/flower.txt

FROM ${PYTHON_IMAGE} AS base
# One BLAS thread for each process: the processes are the parallelism, and more threads change the last bits.
ENV PATH=/opt/dualtrain/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 \
    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 \
    DUALTRAIN_HOST=0.0.0.0 DUALTRAIN_PORT=8000 DUALTRAIN_DATA_DIR=/data HF_HOME=/data/hub
RUN groupadd --gid 10001 dualtrain \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin dualtrain \
 && install -d -o dualtrain -g dualtrain -m 0755 /data /keys /scrape
COPY deploy/container /opt/container
WORKDIR /data
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["/opt/container/run"]

FROM base AS flower
COPY --from=build-flower /opt/dualtrain /opt/dualtrain
CMD ["celery", "-A", "dualtrain.worker.app", "flower"]

FROM base AS runtime
COPY --from=build /opt/dualtrain /opt/dualtrain
# Workers have another check, which stands where they are started.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/api_health.py"]
CMD ["python", "-m", "dualtrain.api.server"]
