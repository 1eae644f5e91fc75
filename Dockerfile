# One image for every role: Ray's head and workers, `vestlus serve` by itself, and every command.
# The steps are plain on purpose: scripts/rehearse_image.py runs them where there is no engine.
#
# For a release name the base by its digest: --build-arg BASE=debian:trixie-slim@sha256:…
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# The locks change seldomer than the code: what they name is a layer of its own.
COPY requirements/run.txt requirements/run.txt
RUN python3 -m venv /opt/vestlus \
    && /opt/vestlus/bin/python -m pip install --disable-pip-version-check --no-input --no-cache-dir \
        --require-hashes --only-binary :all: -r requirements/run.txt
COPY pyproject.toml README.md LICENSE serve_app.py conversation_registry.py ./
COPY actors actors
COPY image_bank image_bank
COPY publishers publishers
COPY vestlus vestlus
COPY scripts/sbom.py scripts/sbom.py
# No package index is asked here; and the image needs no pip, which whoever breaks in would like.
RUN /opt/vestlus/bin/python -m pip install --disable-pip-version-check --no-input --no-cache-dir \
        --no-deps --no-build-isolation --no-index . \
    && /opt/vestlus/bin/python -m pip uninstall --yes --quiet pip \
    && /opt/vestlus/bin/python scripts/sbom.py > /opt/vestlus/sbom.cdx.json

FROM ${BASE}
LABEL org.opencontainers.image.title="Vestlus" \
    org.opencontainers.image.licenses="MIT"
# KubeRay starts Ray by bash, and its own probes call wget; so does the health check below.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bash ca-certificates python3 wget \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 2000 vestlus \
    && useradd --uid 2000 --gid 2000 --home-dir /var/lib/vestlus --create-home --shell /bin/bash \
        vestlus \
    && echo 'PATH="/opt/vestlus/bin:$PATH"' > /etc/profile.d/vestlus.sh
COPY --from=build /opt/vestlus /opt/vestlus
# A login shell, as KubeRay's, forgets PATH: what is in profile.d reminds it.
ENV PATH=/opt/vestlus/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/var/lib/vestlus \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RAY_USAGE_STATS_ENABLED=0 \
    VESTLUS_DATA_DIR=/var/lib/vestlus
# By number, so that Kubernetes sees that it is not root. Besides /tmp and /dev/shm only the data
# folder is written to: the root may be read-only.
USER 2000:2000
WORKDIR /var/lib/vestlus
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=180s --retries=4 \
    CMD wget -q -T 4 -O /dev/null "http://127.0.0.1:${VESTLUS_HTTP_PORT:-8000}/healthz"
ENTRYPOINT ["vestlus"]
CMD ["serve"]
