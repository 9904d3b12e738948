"""Settings of the anomaly score; see `config` for the rest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lensfree.config_base import Count, Fraction, Positive, Section

Channel = Literal["area", "max_opd", "speed"]


class ScoreConfig(Section):
    """Anomaly scores: StArDusTS as published, or with densities and a forecast that says how sure it is."""

    method: Literal["stardusts_plus", "stardusts"] = Field(
        "stardusts_plus",
        description="stardusts: as published, MSE of a forecast; stardusts_plus: docs/scoring.md",
    )
    alpha: Annotated[float, Field(gt=0, le=0.1)] = Field(
        0.003, description="stardusts_plus: share of normal histories that are flagged"
    )
    contamination: Annotated[float, Field(gt=0, le=0.3)] = Field(
        0.1, description="stardusts_plus: share of the training histories that is not counted as normal"
    )
    channels: tuple[Channel, ...] = Field(
        (),
        description="stardusts_plus: what is judged besides dry mass; only by a model of the data set's own",
    )
    model: Literal["auto", "own", "shipped"] = Field(
        "auto",
        description="auto trains on the data set when it has enough windows, else takes the shipped model",
    )
    shipped_model: str = Field(
        "auto", description="model used when none is trained; auto: detector or forecast, by the method"
    )
    shipped_normalisation: Literal["dataset", "model"] = Field(
        "dataset",
        description="a shipped model takes its scale from: dataset (if 10 lineages or more); its training",
    )
    interval_min: Positive = Field(10.0, description="grid of the windows [min]")
    input_points: Count = Field(120, description="points that the forecaster sees")
    target_points: Count = Field(60, description="points that it must foretell")
    smoothing_points: Count = Field(6, description="running mean of the target")
    padding: Literal["same", "valid"] = Field(
        "same", description="stardusts: convolutions keep the length, or lose what has no neighbours"
    )
    target: Literal["smoothed", "raw"] = Field(
        "smoothed", description="stardusts: the forecast is judged by the smoothed target or as measured"
    )
    normalisation: Literal["training", "per_split"] = Field(
        "training",
        description="stardusts: by mean and sd of the training windows, or of each part and acquisition",
    )
    threshold: Literal["mu2sigma", "quantile"] = Field(
        "mu2sigma", description="stardusts: how tau_w follows from the MSE of the training windows"
    )
    sigma_count: Positive = Field(2.0, description="mu2sigma: tau_w = mean + this many sd")
    threshold_quantile: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.95, description="quantile: this share of the training windows lies below tau_w"
    )
    flag_above: Fraction = Field(0.0, description="stardusts: a series with a score above this is flagged")
    min_training_windows: Count = Field(3000, description="fewer windows do not train an own model")

    @model_validator(mode="after")
    def _check_channels(self) -> ScoreConfig:
        if self.channels and self.method == "stardusts":
            raise ValueError(
                f"score.channels is {list(self.channels)} with score.method stardusts, which knows dry mass "
                "alone; set score.method to stardusts_plus or score.channels to []"
            )
        if len(set(self.channels)) < len(self.channels):
            raise ValueError(f"score.channels is {list(self.channels)}, expected each channel once")
        return self

    @property
    def tau_quantile(self) -> float | None:
        """Return the quantile that tau_w is, None where it is mean + sd."""
        return self.threshold_quantile if self.threshold == "quantile" else None

    @property
    def threshold_rule(self) -> str:
        """Return in words how tau_w follows from the training MSE."""
        if self.threshold == "quantile":
            return f"quantile {self.threshold_quantile:g}"
        return f"mean + {self.sigma_count:g} sd"

    @property
    def shipped(self) -> str:
        """Return the name of the shipped model."""
        if self.shipped_model != "auto":
            return self.shipped_model
        return "forecast" if self.method == "stardusts" else "detector"
