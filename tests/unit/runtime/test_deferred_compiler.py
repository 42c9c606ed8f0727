"""torch's compiler, which takes longer to import than torch, is imported where it is called."""

import subprocess
import sys


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_is_built_and_used_without_the_compiler():
    run(
        "import sys, torch\n"
        "from hierarcaps.models.open_clip_family.encoder import open_clip\n"
        "before = torch.compiler.disable\n"
        "text = {'context_length': 8, 'vocab_size': 64, 'width': 32, 'heads': 2, 'layers': 1}\n"
        "vision = {'layers': [1, 1, 1, 1], 'width': 8, 'image_size': 32}\n"
        "clip = open_clip.CLIP(embed_dim=16, vision_cfg=vision, text_cfg=text)\n"
        "clip.eval()\n"
        "with torch.inference_mode(): clip(torch.zeros(1, 3, 32, 32), torch.ones(1, 8).long())\n"
        "assert 'torch._dynamo' not in sys.modules\n"
        "assert before.__module__ == 'torch.compiler'\n"
    )


def test_what_was_deferred_does_as_without():
    run(
        "import sys, torch\n"
        "from hierarcaps.runtime.deferred_compiler import deferred_compiler\n"
        "with deferred_compiler():\n"
        "    from torch._dynamo.utils import is_compile_supported\n"
        "    plain = torch.compiler.disable(lambda x: x + 1)\n"
        "    marked = torch.compiler.disable(recursive=False)(lambda x: x + 2)\n"
        "assert 'torch._dynamo' not in sys.modules\n"
        "assert (plain(1), marked(1)) == (2, 3)\n"
        "import torch._dynamo.utils\n"
        "assert is_compile_supported('cpu') == torch._dynamo.utils.is_compile_supported('cpu')\n"
        "assert torch._dynamo.utils.is_compile_supported is not is_compile_supported\n"
        "with deferred_compiler():\n"
        "    assert sys.modules['torch._dynamo.utils'] is torch._dynamo.utils\n"
    )


def test_a_failed_import_leaves_nothing_behind():
    run(
        "import sys, torch\n"
        "from hierarcaps.runtime.deferred_compiler import deferred_compiler\n"
        "disable = torch.compiler.disable\n"
        "try:\n"
        "    with deferred_compiler(): raise ImportError\n"
        "except ImportError: pass\n"
        "assert 'torch._dynamo.utils' not in sys.modules\n"
        "assert torch.compiler.disable is disable\n"
    )
