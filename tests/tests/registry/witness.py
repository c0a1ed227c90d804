"""Reads an image from a registry and says the digest of everything of it, by its own hashes.

Nothing here is Plimsoll's: a witness must not share what it is asked about.
"""

import hashlib
import json
import sys
import urllib.request

host, repository, tag = sys.argv[1:]
ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in ("oci.image.manifest.v1", "oci.image.index.v1", "docker.distribution.manifest.v2")
)


def read(kind, name):
    request = urllib.request.Request(f"http://{host}/v2/{repository}/{kind}/{name}", headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        said = answer.headers.get("Docker-Content-Digest")
        if said not in (None, digest):
            sys.exit(f"{name}: said to be {said}, is {digest}")
        return body, digest


def walk(name):
    body, digest = read("manifests", name)
    if ":" in name and name != digest:
        sys.exit(f"{name} is {digest}")
    print(digest)
    manifest = json.loads(body)
    for child in manifest.get("manifests", []):
        walk(child["digest"])
    for blob in [manifest[key] for key in ("config",) if key in manifest] + manifest.get("layers", []):
        content, digest = read("blobs", blob["digest"])
        if (digest, len(content)) != (blob["digest"], blob["size"]):
            sys.exit(f"{blob} is {digest} of {len(content)} bytes")
        print(digest)


walk(tag)
