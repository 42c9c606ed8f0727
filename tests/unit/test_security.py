"""What the code must not do with files, archives, commands and addresses that others provide."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in ("src", "workflow", "docs", "notebooks")
    for path in (ROOT / folder).rglob("*.py")
)
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN = {
    "eval": "runs text as code",
    "exec": "runs text as code",
    "os.system": "runs a shell",
    "os.popen": "runs a shell",
    "pd.read_pickle": "unpickles",
    "pandas.read_pickle": "unpickles",
    "yaml.load": "makes objects; use yaml.safe_load",
    "yaml.unsafe_load": "makes objects; use yaml.safe_load",
    "torch.hub.load": "runs downloaded code",
    "tempfile.mktemp": "leaves a name for others to take",
}
# Archive members are read one by one, by name: no method that writes where a member says.
UNPACKERS = {"extractall", "unpack_archive"}


def name_of(function: ast.expr) -> str:
    parts = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    return ".".join(reversed([*parts, function.id])) if isinstance(function, ast.Name) else ""


def option(call: ast.Call, name: str) -> object:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value.value if isinstance(keyword.value, ast.Constant) else "variable"
    return None


def violations(code: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names]
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"imports {each}" for each in modules if each.split(".")[0] in UNPICKLERS]
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node.func)
        if name in FORBIDDEN:
            found.append(f"{name} {FORBIDDEN[name]}")
        if isinstance(node.func, ast.Attribute) and node.func.attr in UNPACKERS:
            found.append(f"{node.func.attr} writes where an archive says")
        if name == "torch.load" and option(node, "weights_only") is not True:
            found.append("torch.load without weights_only=True")
        if option(node, "allow_pickle") not in (None, False):
            found.append(f"{name} unpickles")
        if option(node, "trust_remote_code") not in (None, False):
            found.append(f"{name} runs downloaded code")
        if option(node, "shell") not in (None, False):
            found.append(f"{name} runs a shell")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_from_elsewhere_is_run(path):
    assert violations(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "numpy.load(path, allow_pickle=True)",
        "archive.extractall(folder)",
        "yaml.load(text)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "subprocess.run(text, shell=True)",
        "eval(text)",
    ],
)
def test_the_search_finds_what_it_looks_for(code):
    assert violations(code)


def test_nothing_is_fetched_in_the_clear():
    for path in SOURCES:
        for address in re.findall(r"http://([^/\s\"']+)", path.read_text(encoding="utf-8")):
            # Names of XML namespaces are no addresses that anything is fetched from.
            assert address.startswith(("127.0.0.1", "localhost", "www.w3.org")), (
                f"{path}: {address}"
            )


def test_services_listen_on_this_machine_alone():
    for name in ("Makefile", *(str(p.relative_to(ROOT)) for p in SOURCES)):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "0.0.0.0" not in text, name
        for line in re.findall(r".*mlflow (?:ui|server).*", text):
            assert "--host 127.0.0.1" in line or line.lstrip().startswith("#"), f"{name}: {line}"


SECRETS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "Hugging Face token": r"\bhf_[A-Za-z]{34}\b",
    "password in an address": r"://[^/\s:@\"']+:[^/\s:@\"'{}$]+@",
}


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git repository: what would be published is not known")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_secret_is_published():
    for path in tracked():
        if path.is_file():
            text = path.read_bytes().decode("utf-8", errors="ignore")
            for kind, pattern in SECRETS.items():
                assert not re.search(pattern, text), f"{path.relative_to(ROOT)} holds a {kind}"


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "AKIA" + "A" * 16,
        "ghp_" + "a" * 36,
        "hf_" + "a" * 34,
        "https://user:" + "word@example.org",
    ],
)
def test_the_search_knows_secrets(text):
    assert any(re.search(pattern, text) for pattern in SECRETS.values())
