# CLIP variants that the workflow pre-trains itself, as ordinary open_clip checkpoints, and MERUs.

MERU_VARIANTS = [
    re.escape(name)
    for name, variant in config["pretrain"]["variants"].items()
    if variant.get("objective") == "meru"
]


rule scale_scenes:
    """Decode and scale the pictures of a split, once for all variants of one image size."""
    input:
        "data/scenes/{split}.parquet",
    output:
        temp("data/scenes/{split}-{size}px.npy"),
    log:
        "logs/scale_scenes/{split}-{size}px.log",
    benchmark:
        "logs/benchmarks/scale_scenes/{split}-{size}px.tsv"
    wildcard_constraints:
        size=r"\d+",
    priority: 10
    conda:
        "../envs/core.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        *code_of("scale_scenes.py"),
    script:
        "../scripts/scale_scenes.py"


rule pretrain:
    """Pre-train one variant from scratch on the drawn scenes (no step: an untrained control)."""
    input:
        scenes=scenes_of("train"),
        pixels=pixels_of,
        validation=scenes_of("validation"),
    output:
        config="models/{variant}/seed{seed}/open_clip_config.json",
        weights="models/{variant}/seed{seed}/open_clip_model.safetensors",
        curve="models/{variant}/seed{seed}/curve.csv",
    log:
        "logs/pretrain/{variant}-seed{seed}.log",
    benchmark:
        "logs/benchmarks/pretrain/{variant}-seed{seed}.tsv"
    wildcard_constraints:
        variant=f"(?!(?:{'|'.join(MERU_VARIANTS)})/)[^/]+" if MERU_VARIANTS else "[^/]+",
    # The long jobs first, so that the short ones fill the gaps behind them.
    priority: 10
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        *code_of("pretrain.py"),
        settings=variant_settings,
    script:
        "../scripts/pretrain.py"


use rule pretrain as pretrain_meru with:
    output:
        config="models/{variant}/seed{seed}/meru_config.json",
        weights="models/{variant}/seed{seed}/meru_model.safetensors",
        curve="models/{variant}/seed{seed}/curve.csv",
    log:
        "logs/pretrain/{variant}-seed{seed}.log",
    benchmark:
        "logs/benchmarks/pretrain/{variant}-seed{seed}.tsv"
    wildcard_constraints:
        variant="|".join(MERU_VARIANTS) or "(?!)",
