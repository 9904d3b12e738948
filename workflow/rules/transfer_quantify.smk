rule transfer_quantify:
    input:
        stacks=transfer_stacks,
        start=lambda wildcards: model_of(CONFIG.transfer_quantify.start),
    output:
        # The weights lie beside it: which name they get depends on the verdict.
        verdict="<results>/models/quantify_own.verdict.json",
    params:
        config=CONFIG.transfer_quantify.model_dump(mode="json"),
        training=CONFIG.train_quantify.model_dump(
            mode="json",
            include={"batch", "opd_gain", "noise_sd_nm", "background_nm"},
        ),
        # What the new weights will be used with must not make them again.
        quantify=lambda wildcards: {
            name: CONFIGS[name].quantify.model_dump(mode="json", exclude={"method", "model", "device"})
            for name in CONFIG.transfer_quantify.acquisitions
        },
        code=code("transfer_quantify"),
    log:
        "<logs>/transfer_quantify/quantify_own.log",
    benchmark:
        "<logs>/transfer_quantify/quantify_own.tsv"
    threads: workflow.cores
    resources:
        mem_mb=scaled_mb(6000),
        runtime=scaled_min(120),
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/transfer_quantify.py"
