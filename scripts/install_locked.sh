#!/bin/sh
# Installs by hash, inside an image's build: `tools`, then `packages LOCK` or `code LOCK FOLDER`.
# A package index and certificates of this machine's own come as the build's secrets, and stay out of the image.
set -eu

index=/run/secrets/index
certificates=/run/secrets/certificates
if [ -f "$index" ]; then
  PIP_INDEX_URL=$(cat "$index")
  export PIP_INDEX_URL UV_DEFAULT_INDEX="$PIP_INDEX_URL"
fi
if [ -f "$certificates" ]; then
  export PIP_CERT="$certificates" SSL_CERT_FILE="$certificates"
fi
export UV_NO_CACHE=1 PYC_INVALIDATION_MODE=UNCHECKED_HASH
uv=/opt/tools/bin/uv
environment=/opt/environment
code=/opt/driftloop

case $1 in
  tools)
    python3 -m venv /opt/tools
    /opt/tools/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement tools.txt
    ;;
  packages)
    "$uv" venv --python python3 "$environment"
    "$uv" pip sync --python "$environment" --build-constraints "$2" --require-hashes --compile-bytecode "$2"
    # A tenth of it all is tests that packages brought along.
    find "$environment" -type d -name tests -prune -exec rm -r {} +
    rm "$environment/.lock"  # anybody could write to it
    echo "$code" >"$(echo "$environment"/lib/python3.*/site-packages)/driftloop.pth"
    ;;
  code)
    "$uv" venv --python python3 "$environment"
    "$uv" pip install --python "$environment" --build-constraints "$2" --no-deps --target "$code" "$PWD/$3"
    rm "$code/.lock"  # anybody could write to it
    "$environment"/bin/python -m compileall -q --invalidation-mode unchecked-hash "$code"
    ;;
esac
