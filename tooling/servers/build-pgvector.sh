#!/bin/sh
# build-pgvector.sh TARBALL ROOT MAJOR: compiles pgvector for the unpacked PostgreSQL in ROOT and puts it in there.
# PostgreSQL's own makefiles would want its whole build environment; pgvector is one shared library of plain C.
set -eu
tarball=$1
root=$2
major=$3
command -v cc >/dev/null || { echo 'No C compiler: install gcc and libc6-dev.' >&2; exit 1; }

sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
tar -x -f "$tarball" -C "$sources" --strip-components=1 --no-same-owner
cd "$sources"
version=$(sed -nE "s/^default_version = '(.+)'/\1/p" vector.control)

# The flags of PostgreSQL that change what C means, and those of pgvector's Makefile.
cc -O2 -fPIC -shared -fwrapv -fno-strict-aliasing -fexcess-precision=standard \
  -ftree-vectorize -fassociative-math -fno-signed-zeros -fno-trapping-math -D_GNU_SOURCE \
  -I "$root/usr/include/postgresql/$major/server" -o vector.so src/*.c -lm

extensions=$root/usr/share/postgresql/$major/extension
cp vector.so "$root/usr/lib/postgresql/$major/lib/"
cp vector.control sql/vector--*.sql "$extensions/"
cp sql/vector.sql "$extensions/vector--$version.sql"
