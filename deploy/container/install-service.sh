#!/bin/sh
# Installs the production dependencies of one service into the working folder, less what it never opens.
#   install-service.sh api
set -eu
pnpm install --prod --frozen-lockfile --ignore-scripts --store-dir=/pnpm --filter-prod "@memory-layer/$1..."

cd node_modules/.pnpm
case $1 in
  retention-worker | migrate)
    # They embed nothing. A build that were wrong about it would fail when it tries to load the service.
    rm -rf @energetic-ai+* @huggingface+* @img+* onnxruntime-* sharp@*
    ;;
  *)
    # ONNX Runtime comes with the libraries of every platform: 240 MB. What tooling/trim-onnxruntime.mjs does elsewhere.
    find onnxruntime-node@*/node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 \
      ! -path "*/linux/$(node -p process.arch)" -exec rm -rf {} +
    ;;
esac

# Typings and source maps are for compilers and debuggers: 11 to 29 MB.
find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
