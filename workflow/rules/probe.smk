# Probing: each checkpoint's embeddings of all that the tasks read, computed once.


rule list_embedding_needs:
    """The texts and images that tasks need embedded beside the test set."""
    input:
        TASK_FILES,
        hierarchies=config["test_set"]["hierarchies"],
    output:
        f"{RESULTS}/needs.json",
    log:
        "logs/list_embedding_needs.log",
    benchmark:
        "logs/benchmarks/list_embedding_needs.tsv"
    conda:
        "../envs/torch.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        *code_of("list_embedding_needs.py"),
        data=lambda wildcards: data_of_tasks(EVALUATION),
    script:
        "../scripts/list_embedding_needs.py"


rule embed:
    """Embed the test images, every distinct text that a task reads, and the entailment root."""
    input:
        TASK_FILES,
        checkpoint=checkpoint_of,
        hierarchies=config["test_set"]["hierarchies"],
        images=config["test_set"]["images"],
        needs=f"{RESULTS}/needs.json",
    output:
        f"{RESULTS}/{{model}}/{{objective}}/seed{{seed}}/embeddings.safetensors",
    log:
        "logs/embed/{model}-{objective}-seed{seed}.log",
    benchmark:
        "logs/benchmarks/embed/{model}-{objective}-seed{seed}.tsv"
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        *code_of("embed.py"),
        model=model_of,
        root=root_of,
        batch_size=config["probe"]["batch_size"],
    script:
        "../scripts/embed.py"
