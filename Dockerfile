# Images of memory-layer, one target a service: docker build --target api -t memory-layer/api .
# Targets: api, embed-worker, retention-worker, migrate; and standalone, the whole product in one process.
#
# The base is pinned by tag. To pin it by digest:
#   docker buildx imagetools inspect node:24-trixie-slim
#   docker build --build-arg NODE_IMAGE=node:24-trixie-slim@sha256:… …
ARG NODE_IMAGE=node:24-trixie-slim

FROM ${NODE_IMAGE} AS pnpm
ARG PNPM_VERSION=12
ENV CI=true
RUN npm install --global "pnpm@${PNPM_VERSION}"
WORKDIR /app

# The manifests by themselves: as long as they are the same, the installs below come from the build cache.
FROM pnpm AS manifests
COPY . /src
RUN mkdir /manifests && cd /src \
  && cp --parents package.json pnpm-*.yaml migrations/package.json packages/*/package.json services/*/package.json /manifests

FROM pnpm AS build
COPY --from=manifests /manifests ./
RUN --mount=type=cache,id=memory-layer-pnpm,target=/pnpm,sharing=locked \
  pnpm install --frozen-lockfile --ignore-scripts --store-dir=/pnpm
COPY . .
RUN node_modules/.bin/tsc -b tsconfig.build.json \
  && find packages/*/dist services/*/dist -type f \( -name '*.d.ts' -o -name '*.map' -o -name '*.tsbuildinfo' \) -delete

# Production dependencies of one service. ONNX Runtime comes with the binaries of every platform, and with a build
# for browsers that transformers.js has bundled already: 350 MB that no process here opens.
FROM pnpm AS dependencies
COPY --from=manifests /manifests ./
RUN printf '%s\n' '#!/bin/sh' 'set -e' \
  'pnpm install --prod --frozen-lockfile --ignore-scripts --store-dir=/pnpm --filter-prod "@memory-layer/$1..."' \
  'cd node_modules/.pnpm' \
  'rm -rf onnxruntime-web@*' \
  'find onnxruntime-node@*/node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 ! -path "*/linux/$(node -p process.arch)" -exec rm -rf {} +' \
  > /usr/local/bin/install-service && chmod +x /usr/local/bin/install-service
