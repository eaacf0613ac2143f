"""Bill of materials of the source package, CycloneDX 1.5: what is in it, and what generated it.

Without a clock or a path, like all of the package: same contents, same bytes.
"""

import hashlib
import json
import re
import uuid

from targets.target import ROOT

NAME = "sbom.cdx.json"
GENERATORS = ("jinja2", "numpy", "safetensors", "scipy")  # that codegen/ and reference/ import
LICENCES = [{"license": {"id": "BSD-3-Clause"}}]


def sha256(data: bytes) -> list[dict]:
    return [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]


def tools() -> list[dict]:
    """The packages that generate, in the versions of requirements/core.txt."""
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements/core.txt").read_text(),
                             re.M))  # fmt: skip
    return [{"type": "library", "name": name, "version": locked[name],
             "purl": f"pkg:pypi/{name}@{locked[name]}"} for name in GENERATORS]  # fmt: skip


def bill(content: dict, files: dict[str, bytes]) -> bytes:
    """The bill of a plan and of the files of its package by path: library, weights, every file.

    The library depends on nothing: what it takes from outside is memcpy, memmove and memset.
    """
    api, model = content["api"], content["model"]
    library = {"type": "library", "bom-ref": "library", "name": "percepnet",
               "version": api["version"], "licenses": LICENCES,
               "description": "Noise suppressor for 48 kHz speech, integer C99"}  # fmt: skip
    weights = {"type": "machine-learning-model", "bom-ref": "weights", "name": model["name"],
               "version": api["model_id"], "licenses": LICENCES,
               "hashes": [{"alg": "SHA-256", "content": model["sha256"]}]}  # fmt: skip
    listed = [{"type": "file", "bom-ref": f"file:{path}", "name": path, "hashes": sha256(data)}
              for path, data in sorted(files.items())]  # fmt: skip
    return (json.dumps({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, content["hash"]).urn,
        "metadata": {"component": library, "tools": {"components": tools()}},
        "components": [weights, *listed],
        "dependencies": [{"ref": "library", "dependsOn": ["weights"]}, {"ref": "weights"}],
    }, indent=1) + "\n").encode()  # fmt: skip
