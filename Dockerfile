# The image that Docker and Kubernetes work pools run: docker build -t armrest-flows:0.3.0 .
# All packages come from requirements.lock, and pip checks their hashes. The project itself is in /app; the launcher
# adds it to the venv, as in `make setup`.

FROM python:3.12-slim AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /app/venv \
 && /app/venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md prefect.yaml ./
COPY armrest armrest
COPY tasks tasks
COPY flows flows
COPY deployments deployments
RUN /app/venv/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && /app/venv/bin/python -m deployments.launcher \
 && /app/venv/bin/python -m compileall -q armrest tasks flows deployments

FROM python:3.12-slim
ENV PATH=/app/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_LOGGING_EXTRA_LOGGERS=armrest \
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30
RUN useradd --create-home --uid 1000 armrest
COPY --from=build /app /app
USER 1000
WORKDIR /home/armrest
CMD ["armrest", "--help"]
