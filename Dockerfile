# The image that Docker and Kubernetes work pools run: docker build -t armrest-flows:0.1.0 .
# Everything in it comes out of requirements.lock, each file checked against its hash.

FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md ./
RUN python -m venv /app/venv \
 && /app/venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY armrest armrest
COPY tasks tasks
COPY flows flows
COPY deployments deployments
RUN /app/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
ENV PATH=/app/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_LOGGING_EXTRA_LOGGERS=armrest \
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30
RUN useradd --create-home --uid 1000 armrest
COPY --from=build /app/venv /app/venv
USER 1000
WORKDIR /home/armrest
CMD ["armrest", "--help"]
