# Alignment: text-only fine-tuning of a model's text tower, per objective and seed.


rule align:
    """Fine-tune one model's text tower with one objective, from one seed."""
    input:
        checkpoint=base_of,
        training=ALIGNMENT["training"],
        validation=ALIGNMENT["validation"],
        images=ALIGNMENT.get("validation_images", []),
        left_out=LEFT_OUT,
    output:
        config="models/{model}/{objective}/seed{seed}/open_clip_config.json",
        weights="models/{model}/{objective}/seed{seed}/open_clip_model.safetensors",
        root="models/{model}/{objective}/seed{seed}/root.json",
        curve="models/{model}/{objective}/seed{seed}/curve.csv",
    log:
        "logs/align/{model}-{objective}-seed{seed}.log",
    benchmark:
        "logs/benchmarks/align/{model}-{objective}-seed{seed}.tsv"
    wildcard_constraints:
        model=any_of(model for model in ALIGNMENT["models"] if not of_transformers(model)),
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        *code_of("align.py"),
        model=base_entry,
        recipe=recipe_of,
        validation_items=ALIGNMENT.get("validation_items", 0),
    script:
        "../scripts/align.py"


use rule align as align_transformers with:
    output:
        config="models/{model}/{objective}/seed{seed}/config.json",
        weights="models/{model}/{objective}/seed{seed}/model.safetensors",
        root="models/{model}/{objective}/seed{seed}/root.json",
        curve="models/{model}/{objective}/seed{seed}/curve.csv",
    wildcard_constraints:
        model=any_of(filter(of_transformers, ALIGNMENT["models"])),


rule models:
    """Every checkpoint of the study that the workflow makes."""
    input:
        [
            local_checkpoint(config["models"][model], seed)
            for model, seeds in TRAININGS.items()
            for seed in seeds
        ],
        [
            local_checkpoint(aligned_entry(model, objective), seed)
            for model, objective, seed in ALIGNED
        ],
