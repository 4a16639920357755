# Images of memory-layer, one target a service:
#   docker build --target api -t memory-layer/api .
# Targets: api, embed-worker, retention-worker, migrate; and standalone, the whole product in one process.
#
# The base is pinned by its tag. To pin it by digest as well:
#   docker buildx imagetools inspect node:24-trixie-slim
#   docker build --build-arg NODE_IMAGE=node:24-trixie-slim@sha256:… …
ARG NODE_IMAGE=node:24-trixie-slim

FROM ${NODE_IMAGE} AS pnpm
ARG PNPM_VERSION=12
ENV CI=true
RUN npm install --global "pnpm@${PNPM_VERSION}"
WORKDIR /app

# The manifests by themselves: while they stay the same, all installs come from the build cache.
FROM pnpm AS manifests
COPY . /source
RUN mkdir /manifests && cd /source \
  && cp --parents package.json pnpm-*.yaml migrations/package.json packages/*/package.json services/*/package.json \
    /manifests

# /image has a folder for each image: its code and the migrations, without dependencies.
FROM pnpm AS build
COPY --from=manifests /manifests ./
RUN --mount=type=cache,id=memory-layer-pnpm,target=/pnpm,sharing=locked \
  pnpm install --frozen-lockfile --ignore-scripts --store-dir=/pnpm
COPY . .
RUN node_modules/.bin/tsc -b tsconfig.build.json \
  && find packages/*/dist services/*/dist -type f \( -name '*.d.ts' -o -name '*.map' -o -name '*.tsbuildinfo' \) -delete \
  && for service in api embed-worker retention-worker migrate; do \
    mkdir -p "/image/$service" \
    && cp --parents -r migrations packages/shared/dist "services/$service/dist" "/image/$service" || exit 1; \
  done \
  && mkdir /image/standalone && cp --parents -r migrations packages/*/dist services/*/dist /image/standalone

FROM pnpm AS dependencies
COPY --from=manifests /manifests ./
COPY deploy/container/install-service.sh /usr/local/bin/

FROM dependencies AS api-dependencies
RUN --mount=type=cache,id=memory-layer-pnpm,target=/pnpm,sharing=locked install-service.sh api
FROM dependencies AS embed-worker-dependencies
RUN --mount=type=cache,id=memory-layer-pnpm,target=/pnpm,sharing=locked install-service.sh embed-worker
FROM dependencies AS retention-worker-dependencies
RUN --mount=type=cache,id=memory-layer-pnpm,target=/pnpm,sharing=locked install-service.sh retention-worker
FROM dependencies AS migrate-dependencies
RUN --mount=type=cache,id=memory-layer-pnpm,target=/pnpm,sharing=locked install-service.sh migrate
FROM dependencies AS standalone-dependencies
RUN --mount=type=cache,id=memory-layer-pnpm,target=/pnpm,sharing=locked install-service.sh standalone

# /app belongs to root and is only read; what a service writes goes to /var/lib/memory-layer.
FROM ${NODE_IMAGE} AS runtime
LABEL org.opencontainers.image.title="memory-layer" org.opencontainers.image.licenses="MIT"
# ONNX Runtime reports to its maker unless this variable is set; it reads the variable itself.
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 MEMORY_MODEL_CACHE_DIR=/var/lib/memory-layer/models
RUN install -d -o node -g node /var/lib/memory-layer /var/lib/memory-layer/models
WORKDIR /app
USER node
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.MEMORY_OPS_PORT}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

# Each service is loaded once while it is built: 2 says that its variables are missing or wrong, and that nothing else is.

FROM runtime AS api
# Inside a container, loopback reaches nobody.
ENV MEMORY_HOST=0.0.0.0 MEMORY_OPS_PORT=9464
EXPOSE 8000 9464
COPY --from=api-dependencies /app ./
COPY --from=build /image/api ./
RUN node services/api/dist/main.js || test $? -eq 2
# Room for what a few hundred requests allocate: fewer collections, for some 50 MiB.
ENTRYPOINT ["node", "--max-semi-space-size=64", "services/api/dist/main.js"]

FROM runtime AS embed-worker
ENV MEMORY_OPS_PORT=9465
EXPOSE 9465
COPY --from=embed-worker-dependencies /app ./
COPY --from=build /image/embed-worker ./
RUN node services/embed-worker/dist/main.js || test $? -eq 2
ENTRYPOINT ["node", "services/embed-worker/dist/main.js"]

FROM runtime AS retention-worker
ENV MEMORY_OPS_PORT=9466
EXPOSE 9466
COPY --from=retention-worker-dependencies /app ./
COPY --from=build /image/retention-worker ./
RUN node services/retention-worker/dist/main.js || test $? -eq 2
ENTRYPOINT ["node", "services/retention-worker/dist/main.js"]

FROM runtime AS migrate
HEALTHCHECK NONE
COPY --from=migrate-dependencies /app ./
COPY --from=build /image/migrate ./
RUN node services/migrate/dist/main.js || test $? -eq 2
ENTRYPOINT ["node", "services/migrate/dist/main.js"]

# docker run -p 127.0.0.1:8000:8000 -v memory-layer:/var/lib/memory-layer memory-layer/standalone
FROM runtime AS standalone
ENV MEMORY_HOST=0.0.0.0 MEMORY_PORT=8000 MEMORY_DATA_DIR=/var/lib/memory-layer
EXPOSE 8000
COPY --from=standalone-dependencies /app ./
COPY --from=build /image/standalone ./
RUN MEMORY_PORT=none node services/standalone/dist/main.js || test $? -eq 2
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.MEMORY_PORT}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/standalone/dist/main.js"]
