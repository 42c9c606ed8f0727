"""What takes longer to import than torch is imported where a name of it is used."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_model_is_built_and_used_without_what_few_models_need():
    run(
        "import sys\n"
        "from hierarcaps.models.open_clip_family.encoder import open_clip\n"
        "text = {'context_length': 8, 'vocab_size': 64, 'width': 32, 'heads': 2, 'layers': 1}\n"
        "vision = {'layers': [1, 1, 1, 1], 'width': 8, 'image_size': 32}\n"
        "clip = open_clip.CLIP(embed_dim=16, vision_cfg=vision, text_cfg=text)\n"
        "clip.eval()\n"
        "import torch\n"
        "with torch.inference_mode(): clip(torch.zeros(1, 3, 32, 32), torch.ones(1, 8).long())\n"
        "assert not {'torch._dynamo', 'transformers', 'timm'} & set(sys.modules)\n"
    )


def test_a_model_of_open_clip_is_aligned_and_written_without_the_classes_of_transformers(tmp_path):
    run(
        "import sys; sys.path[:0] = ['tests/recipes', 'tests/helpers']\n"
        "from pathlib import Path\n"
        "from tiny_alignment import make_items\n"
        "from tiny_clip import write_folder\n"
        "from hierarcaps.alignment.recipe import align\n"
        "from hierarcaps.alignment.settings import AlignmentSettings\n"
        "from hierarcaps.models.registry import load_model\n"
        "from hierarcaps.models.save import save_encoder\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "write_folder(folder)\n"
        "encoder = load_model({'open_clip': str(folder)})\n"
        "settings = AlignmentSettings('re', batch_size=2, max_steps=1)\n"
        "align(encoder, make_items(4), make_items(2), settings, seed=0)\n"
        "save_encoder(encoder, folder / 'aligned')\n"
        "assert (folder / 'aligned' / 'open_clip_model.safetensors').is_file()\n"
        "assert 'transformers' not in sys.modules\n"
    )


def test_image_towers_of_timm_are_there_when_they_are_asked_for():
    run(
        "import sys\n"
        "from hierarcaps.models.open_clip_family.encoder import open_clip\n"
        "text = {'context_length': 8, 'vocab_size': 64, 'width': 32, 'heads': 2, 'layers': 1}\n"
        "vision = {'timm_model_name': 'vit_tiny_patch16_224', 'image_size': 32,\n"
        "    'timm_model_pretrained': False, 'timm_pool': '', 'timm_proj': 'linear'}\n"
        "assert 'timm' not in sys.modules\n"
        "clip = open_clip.CLIP(embed_dim=16, vision_cfg=vision, text_cfg=text)\n"
        "import timm\n"
        "assert isinstance(clip.visual.trunk, timm.models.VisionTransformer)\n"
    )


def test_what_was_deferred_does_as_the_module_does():
    run(
        "import sys, torch\n"
        "from hierarcaps.runtime.deferred_imports import deferred_imports\n"
        "with deferred_imports('torch._dynamo.utils', 'wsgiref', 'no_such_module'):\n"
        "    from torch._dynamo.utils import is_compile_supported\n"
        "    import wsgiref\n"
        "    from wsgiref.headers import Headers, tspecials\n"
        "    try: import no_such_module\n"
        "    except ImportError: absent = True\n"
        "assert absent and not {'torch._dynamo', 'wsgiref'} & set(sys.modules)\n"
        "headers = Headers([('a', 'b')])\n"
        "import wsgiref.headers\n"
        "assert type(headers) is wsgiref.headers.Headers\n"
        "assert isinstance(headers, Headers) and not isinstance(3, (str, Headers))\n"
        "assert isinstance(3, Headers | int) and tspecials.pattern\n"
        "class Mine(Headers): pass\n"
        "assert issubclass(Mine, wsgiref.headers.Headers)\n"
        "assert is_compile_supported('cpu') == torch._dynamo.utils.is_compile_supported('cpu')\n"
        "with deferred_imports('torch._dynamo.utils'):\n"
        "    assert sys.modules['torch._dynamo.utils'] is torch._dynamo.utils\n"
    )


def test_a_failed_import_leaves_nothing_behind():
    run(
        "import sys\n"
        "from hierarcaps.runtime.deferred_imports import deferred_imports\n"
        "finders = list(sys.meta_path)\n"
        "try:\n"
        "    with deferred_imports('wsgiref'):\n"
        "        import wsgiref.headers\n"
        "        raise ImportError\n"
        "except ImportError: pass\n"
        "assert not {'wsgiref', 'wsgiref.headers'} & set(sys.modules)\n"
        "assert sys.meta_path == finders\n"
    )
