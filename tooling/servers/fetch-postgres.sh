#!/bin/sh
# fetch-postgres.sh MAJOR FOLDER: Debian's PostgreSQL with pgvector, unpacked into a folder of its own.
# Needs no root and installs nothing: the programs run on the loader and the libraries that come with them, so
# that PostgreSQL 17 of Debian 13 works on Debian 12. What is downloaded, apt checks against the signed index.
set -eu
umask 022
major=$1
folder=$2
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "fetch-postgres: $1" >&2
  echo 'Set TEST_DATABASE_URL to use a PostgreSQL (15 or newer, with pgvector 0.8 or newer) that runs already.' >&2
  exit 1
}

# Compiles pgvector from the source of Debian 13. PostgreSQL's own makefiles would want its whole build environment,
# but pgvector is one library of plain C. The flags are those of PostgreSQL that change what C means, and its own.
build_pgvector() {
  mkdir "$work/pgvector"
  cd "$work/pgvector"
  tar -x -f "$work"/pgvector_*.orig.tar.* --strip-components=1 --no-same-owner
  cc -O2 -fPIC -shared -fwrapv -fno-strict-aliasing -fexcess-precision=standard \
    -ftree-vectorize -fassociative-math -fno-signed-zeros -fno-trapping-math -D_GNU_SOURCE \
    -I "$work/root/usr/include/postgresql/$major/server" -o vector.so src/*.c -lm
  version=$(sed -nE "s/^default_version = '(.+)'/\1/p" vector.control)
  mv sql/vector.sql "sql/vector--$version.sql"
  cp vector.so "$work/root/usr/lib/postgresql/$major/lib/"
  cp vector.control sql/vector--*.sql "$work/root/usr/share/postgresql/$major/extension/"
  cd "$work"
}

# Debian 12 has pgvector 0.4 for PostgreSQL 15, which is too old.
case $major in
  17) suite=trixie packages='postgresql-17 postgresql-17-pgvector' extra='' ;;
  15) suite=bookworm packages='postgresql-15' extra='postgresql-server-dev-15' ;;
  *) fail "there is a recipe for PostgreSQL 15 and 17, not for '$major'" ;;
esac
for tool in apt-get dpkg-deb flock; do
  command -v "$tool" >/dev/null || fail "no $tool here: this works on Debian only"
done
[ "$major" != 15 ] || command -v cc >/dev/null || fail 'no C compiler here: install gcc and libc6-dev'
[ -r "$keyring" ] || fail "no $keyring: the packages could not be verified"

# Two runs at once: the second finds what the first has fetched.
exec 9>"$folder.lock"
flock 9
[ ! -d "$folder" ] || exit 0
work=$folder.partial
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/lists/partial" "$work/empty" "$work/root"
: >"$work/status"

# The mirrors are those of this machine's apt, whatever the format of its lists; other vendors' archives are not
# signed by Debian, so that apt drops them.
mirrors=$(apt-get update --print-uris |
  sed -nE "s,^'(.+)/dists/[a-z]+(-security)?/InRelease'.*,[signed-by=$keyring] \1 SUITE\2 main,p" | sort -u)
[ -n "$mirrors" ] || fail 'apt knows no mirror: its source list is empty'
printf '%s\n' "$mirrors" | sed "s/^/deb /; s/ SUITE/ $suite/" >"$work/sources.list"
[ "$major" != 15 ] || printf '%s\n' "$mirrors" | sed 's/^/deb-src /; s/ SUITE/ trixie/' >>"$work/sources.list"

# Nothing of this machine's package state counts but how apt reaches its mirrors (proxies and the like).
cat >"$work/apt.conf" <<END
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/empty";
Dir::Etc::preferences "$work/none";
Dir::Etc::preferencesparts "$work/empty";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::State::extended_states "$work/extended";
Dir::Cache "$work";
Dir::Log "$work";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Default-Release "";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
apt() { apt-get -qq -c "$work/apt.conf" "$@"; }

apt update 2>"$work/update.log" || true
# shellcheck disable=SC2086 # lists of names
closure=$(apt install --print-uris $packages) || {
  cat "$work/update.log" >&2
  fail "apt found no $packages in $suite"
}
# Of everything these packages depend on, the shared libraries; the JIT compiler and Perl are left out.
libraries=$(printf '%s\n' "$closure" | awk '{ sub(/_.*/, "", $2); print $2 }' |
  grep -E '^(lib|zlib)' | grep -vE '^lib(llvm|z3|perl)|-perl$')
cd "$work"
# shellcheck disable=SC2086 # lists of names
apt download $packages $extra $libraries || fail 'the download failed'
for package in ./*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/root" --no-same-owner \
    --exclude='llvmjit*' --exclude=bitcode --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=locale
done
cd "$work"

if [ "$major" = 15 ]; then
  apt source --download-only pgvector || fail 'the download failed'
  build_pgvector
fi

# The programs under their own names, on their own loader. initdb looks for postgres beside itself.
loader=$(cd root && ls lib/*/ld-linux-*.so.* usr/lib/*/ld-linux-*.so.* 2>/dev/null | head -n 1)
triplet=$(basename "$(dirname "$loader")")
for program in initdb postgres; do
  binary=root/usr/lib/postgresql/$major/bin/$program
  mv "$binary" "$binary.real"
  cat >"$binary" <<END
#!/bin/sh
root=\${0%/usr/lib/postgresql/*}
exec "\$root/$loader" --inhibit-cache --library-path "\$root/lib/$triplet:\$root/usr/lib/$triplet" --argv0 "\$0" "\$0.real" "\$@"
END
  chmod +x "$binary"
done
mv root "$folder"
