# The caption-hierarchy pipeline: from plain captions to positive and negative hierarchies.


NLI_FILES = local_model(NLI["model"])
# What teaches H: accepted rows of the language model, and their recombinations.
LESSONS = [f"{DATA}/{step}.parquet" for step in ("seeds", "augmentation", "recombination")]
HAS_ORACLE = all(each["kind"] == "scenes" for each in config["captions"]["sources"]["train"])
# What augmentation gives H is asked where there is any.
IS_ABLATED = bool(GENERATION.get("ablation") and GENERATION["augmentation"]["prompts"])


rule gather_captions:
    """Normalised, distinct captions of a split, without those of test images."""
    input:
        sources=lambda wildcards: [
            source["path"] for source in config["captions"]["sources"][wildcards.split]
        ],
        left_out=LEFT_OUT,
    output:
        captions=f"{DATA}/captions-{{split}}.parquet",
        counts=f"{DATA}/captions-{{split}}.json",
    log:
        "logs/gather_captions/{split}.log",
    benchmark:
        "logs/benchmarks/gather_captions/{split}.tsv"
    priority: 20
    conda:
        "../envs/core.yml"
    # On two cores a job of two would wait until both are free, behind all that is long.
    threads: 1
    resources:
        mem_mb=growing(1500, 0.1),
        runtime=growing(10, 0.01),
    params:
        *code_of("gather_captions.py"),
        sources=lambda wildcards: config["captions"]["sources"][wildcards.split],
        settings=lambda wildcards: config["captions"]["kept"],
    script:
        "../scripts/gather_captions.py"


rule train_nli:
    """Teach a small NLI model the logic of the drawn world."""
    output:
        config="models/nli/config.json",
        weights="models/nli/model.safetensors",
        tokenizer="models/nli/tokenizer.json",
        curve="models/nli/curve.csv",
    log:
        "logs/train_nli.log",
    benchmark:
        "logs/benchmarks/train_nli.tsv"
    priority: 20
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        *code_of("train_nli.py"),
        settings=lambda wildcards: {
            key: value for key, value in NLI["train"].items() if key != "evaluation_pairs"
        },
    script:
        "../scripts/train_nli.py"


rule evaluate_nli:
    """Measure the NLI model on held-out pairs of the drawn world."""
    input:
        model=rules.train_nli.output,
    output:
        "models/nli/accuracy.json",
    log:
        "logs/evaluate_nli.log",
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        *code_of("evaluate_nli.py"),
        nli=lambda wildcards: judge(),
        size=lambda wildcards: NLI["train"]["evaluation_pairs"],
        seed=lambda wildcards: NLI["train"]["seed"],
    script:
        "../scripts/evaluate_nli.py"


rule sample_seed_captions:
    """The captions that seeds are written from, of which rare words have their share."""
    input:
        captions=f"{DATA}/captions-train.parquet",
    output:
        f"{DATA}/seeds/captions.parquet",
    log:
        "logs/sample_seed_captions.log",
    benchmark:
        "logs/benchmarks/sample_seed_captions.tsv"
    priority: 20
    conda:
        "../envs/core.yml"
    threads: 1
    resources:
        mem_mb=growing(1500, 0.3),
        runtime=growing(10, 0.02),
    params:
        *code_of("sample_seed_captions.py"),
        size=GENERATION["seeds"]["captions"],
        seed=GENERATION["seed"],
    script:
        "../scripts/sample_seed_captions.py"


rule sample_item_captions:
    """The captions that items are written from, each as likely as any other."""
    input:
        captions=f"{DATA}/captions-{{split}}.parquet",
    output:
        f"{DATA}/items-{{split}}/captions.parquet",
    log:
        "logs/sample_item_captions/{split}.log",
    benchmark:
        "logs/benchmarks/sample_item_captions/{split}.tsv"
    priority: 20
    conda:
        "../envs/core.yml"
    threads: 1
    resources:
        mem_mb=growing(1500, 0.3),
        runtime=growing(10, 0.02),
    params:
        *code_of("sample_item_captions.py"),
        size=GENERATION["production"]["captions"],
        seed=GENERATION["seed"],
    script:
        "../scripts/sample_item_captions.py"


rule write_seeds:
    """Let a language model write hierarchies for a shard of a covering sample of captions."""
    input:
        captions=rules.sample_seed_captions.output,
    output:
        f"{DATA}/seeds/shard{{shard}}.parquet",
    log:
        "logs/write_seeds/shard{shard}.log",
    benchmark:
        "logs/benchmarks/write_seeds/shard{shard}.tsv"
    priority: 20
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        *code_of("write_seeds.py"),
        settings=lambda wildcards: GENERATION["seeds"],
        seed=GENERATION["seed"],
    script:
        "../scripts/write_seeds.py"


rule augment:
    """Let the language model continue lists of accepted seeds."""
    input:
        seeds=f"{DATA}/seeds.parquet",
        captions=f"{DATA}/captions-train.parquet",
    output:
        f"{DATA}/augmentation/shard0.parquet",
    log:
        "logs/augment.log",
    benchmark:
        "logs/benchmarks/augment.tsv"
    priority: 20
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        *code_of("augment.py"),
        settings=lambda wildcards: GENERATION["augmentation"],
        llm=lambda wildcards: GENERATION["seeds"]["llm"],
        seed=GENERATION["seed"],
    script:
        "../scripts/augment.py"


rule filter_written:
    """Keep what the NLI model finds to be a chain of entailment; rejects keep their reason."""
    input:
        NLI_FILES,
        tables=written,
    output:
        f"{DATA}/{{step}}.parquet",
    log:
        "logs/filter_written/{step}.log",
    benchmark:
        "logs/benchmarks/filter_written/{step}.tsv"
    wildcard_constraints:
        step="seeds|augmentation",
    priority: 20
    conda:
        "../envs/torch.yml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        *code_of("filter_written.py"),
        nli=lambda wildcards: POSITIVES_JUDGE,
        mended_by=lambda wildcards: (
            GENERATION["seeds"]["prompt"]
            if wildcards.step == "seeds" and GENERATION["mend"]
            else None
        ),
        held_out=lambda wildcards: GENERATION["held_out"] * (wildcards.step == "seeds"),
        seed=GENERATION["seed"],
    script:
        "../scripts/filter_written.py"


rule recombine:
    """Recombine accepted rows by word class where they are too few to train H."""
    input:
        NLI_FILES,
        tables=[f"{DATA}/seeds.parquet", f"{DATA}/augmentation.parquet"],
        captions=f"{DATA}/captions-train.parquet",
    output:
        f"{DATA}/recombination.parquet",
    log:
        "logs/recombine.log",
    benchmark:
        "logs/benchmarks/recombine.tsv"
    priority: 20
    conda:
        "../envs/torch.yml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        *code_of("recombine.py"),
        size=GENERATION["recombination"]["size"],
        nli=lambda wildcards: POSITIVES_JUDGE,
        seed=GENERATION["seed"],
    script:
        "../scripts/recombine.py"


rule train_hierarchy_model:
    """Distil H, which writes both from specific to general and from general to specific."""
    input:
        NLI_FILES,
        tables=LESSONS,
    output:
        config=f"{HIERARCHY_MODEL}/config.json",
        weights=f"{HIERARCHY_MODEL}/model.safetensors",
        curve=f"{HIERARCHY_MODEL}/curve.csv",
        report=f"{HIERARCHY_MODEL}/held_out.json",
    log:
        "logs/train_hierarchy_model.log",
    benchmark:
        "logs/benchmarks/train_hierarchy_model.tsv"
    priority: 20
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        *code_of("train_hierarchy_model.py"),
        settings=lambda wildcards: GENERATION["hierarchy_model"],
        nli=lambda wildcards: POSITIVES_JUDGE,
    script:
        "../scripts/train_hierarchy_model.py"


rule ablate_augmentation:
    """What augmentation gives H: two short trainings, with and without it."""
    input:
        NLI_FILES,
        seeds=f"{DATA}/seeds.parquet",
        augmentation=f"{DATA}/augmentation.parquet",
        captions=f"{DATA}/captions-train.parquet",
        validation=f"{DATA}/captions-validation.parquet",
    output:
        f"{DATA}/ablation/effect.json",
    log:
        "logs/ablate_augmentation.log",
    benchmark:
        "logs/benchmarks/ablate_augmentation.tsv"
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        *code_of("ablate_augmentation.py"),
        settings=lambda wildcards: GENERATION["ablation"],
        hierarchy_model=lambda wildcards: GENERATION["hierarchy_model"],
        size=GENERATION["recombination"]["size"],
        nli=lambda wildcards: POSITIVES_JUDGE,
        seed=GENERATION["seed"],
        has_oracle=HAS_ORACLE,
    script:
        "../scripts/ablate_augmentation.py"


rule write_items:
    """Write positives and negatives for a shard of the captions with H, and filter them."""
    input:
        NLI_FILES,
        model=local_model(HIERARCHY_MODEL),
        captions=rules.sample_item_captions.output,
    output:
        f"{DATA}/items-{{split}}/shard{{shard}}.parquet",
    log:
        "logs/write_items/{split}-shard{shard}.log",
    benchmark:
        "logs/benchmarks/write_items/{split}-shard{shard}.tsv"
    priority: 20
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        *code_of("write_items.py"),
        settings=lambda wildcards: GENERATION["production"],
        nli=lambda wildcards: judge("entailment", "contradiction", "equivalence"),
        seed=GENERATION["seed"],
    script:
        "../scripts/write_items.py"


rule gather_items:
    """The data set of a split, in the official training format; rejects in the table beside it."""
    input:
        tables=lambda wildcards: shards(
            f"items-{wildcards.split}", GENERATION["production"]["shards"]
        ),
    output:
        table=f"{DATA}/items-{{split}}.parquet",
        hierarchies=f"{DATA}/{{split}}.csv",
    log:
        "logs/gather_items/{split}.log",
    benchmark:
        "logs/benchmarks/gather_items/{split}.tsv"
    conda:
        "../envs/torch.yml"
    resources:
        mem_mb=growing(2000, 20),
        runtime=growing(30),
    params:
        *code_of("gather_items.py"),
    script:
        "../scripts/gather_items.py"


rule write_datasheet:
    """How many entered and left each step, and why; in the drawn world, how many are right."""
    input:
        tables=[*LESSONS, f"{DATA}/items-train.parquet"],
        validation=f"{DATA}/items-validation.parquet",
        counts=f"{DATA}/captions-train.json",
        reports=[rules.train_hierarchy_model.output.report]
        + rules.evaluate_nli.output * bool(NLI_FILES)
        + rules.ablate_augmentation.output * IS_ABLATED,
    output:
        f"{DATA}/datasheet.json",
    log:
        "logs/write_datasheet.log",
    benchmark:
        "logs/benchmarks/write_datasheet.tsv"
    conda:
        "../envs/torch.yml"
    resources:
        mem_mb=growing(2000, 20),
        runtime=growing(30),
    params:
        *code_of("write_datasheet.py"),
        prompt=GENERATION["seeds"]["prompt"],
        has_oracle=HAS_ORACLE,
    script:
        "../scripts/write_datasheet.py"


rule hierarchies:
    """The generated caption hierarchies, with their datasheet."""
    input:
        collect(f"{DATA}/{{split}}.csv", split=["train", "validation"]),
        rules.write_datasheet.output,
