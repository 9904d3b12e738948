"""The page: figures are drawn, embedded, and set into the template with the words."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from math import tau
from typing import Any

from matplotlib.figure import Figure

from lensfree.report import method, sentences
from lensfree.report.content import PageContent, Suspect
from lensfree.report.figures import draw_histograms, draw_population, draw_quality
from lensfree.report.growth import growth_in_words
from lensfree.report.lineages import lineage_counts
from lensfree.report.made import software_of
from lensfree.report.pictures import draw_montage, draw_reconstruction, opd_range_nm
from lensfree.report.plain_words import kind_in_words, share_in_words
from lensfree.report.quality import suspect_frames
from lensfree.report.style import to_png
from lensfree.report.templates import rendered
from lensfree.report.traces import draw_card
from lensfree.report.tree_figure import draw_trees
from lensfree.report.why import describe_life, describe_place, explain

_KINDS = {
    "simulated": "simulated, synthetic data",
    "hologram": "recorded holograms",
    "opd": "OPD maps from another microscope",
}


PICTURES_MAX_BYTES = 9_300_000
"""Pictures of a page together, as text: with its words it stays below 10 MB. Cards give way to the others."""


@dataclass(frozen=True)
class Picture:
    """A figure as it stands in the page: its bytes as a data URI, and words for who cannot see it."""

    uri: str
    alt: str


def build_page(content: PageContent, provenance: Mapping[str, Any] | None = None) -> str:
    """Return the whole page as HTML that needs no other file and no network.

    Text from outside (names, notes, reasons) is escaped. A part that the acquisition does not have
    is replaced by a sentence that says why.

    Args:
        content: what is known of the acquisition.
        provenance: plain values that explain the page, which carries them.
    """
    facts = content.facts
    pictures, cells, tracks = _frame_pictures(content), _cells_part(content), _tracks_part(content)
    drawn = [*pictures, *cells.values(), *tracks.values()]
    left = PICTURES_MAX_BYTES - sum(len(part.uri) for part in drawn if isinstance(part, Picture))
    return rendered(
        "template.html.j2",
        provenance,
        facts=facts,
        words_for=kind_in_words,
        kind=_KINDS.get(facts.kind, facts.kind),
        fact_rows=_fact_rows(content),
        numbers=sentences.key_numbers(content),
        missing=sentences.missing_frames(content.per_frame),
        suspect=suspect_frames(content.per_frame),
        pictures=pictures,
        montage_note=_montage_note(content),
        cells=cells,
        tracks=tracks,
        anomalies=_anomalies_part(content, left),
        truth=_truth_part(content),
        made=_made_part(content),
    )


def embed(figure: Figure, alt: str, *, dpi: int = 110) -> Picture:
    """Return a figure as it stands in a page."""
    return Picture(f"data:image/png;base64,{base64.b64encode(to_png(figure, dpi=dpi)).decode('ascii')}", alt)


def _fact_rows(content: PageContent) -> list[tuple[str, str]]:
    facts = content.facts
    height_um, width_um = content.field_um
    rows = [
        ("Data set", facts.dataset),
        ("Well", facts.well),
        ("Condition", facts.condition),
        ("Kind", _KINDS.get(facts.kind, facts.kind)),
        ("Wavelengths", ", ".join(f"{w:g} nm" for w in facts.wavelength_nm)),
        ("Pixel pitch", f"{facts.pixel_pitch_um:g} µm"),
        ("Field", f"{height_um:.0f} × {width_um:.0f} µm"),
        ("Frame interval", f"{facts.frame_interval_min:g} min" if len(content.per_frame) > 1 else ""),
        ("Distance z", _distance(content)),
        ("Cells measured by", facts.models.get("quantify", "")),
        ("Detector" if method.has_surprise(content) else "Forecaster", facts.models.get("score", "")),
    ]
    return [(name, value) for name, value in rows if value]


def _distance(content: PageContent) -> str:
    if content.focus is not None and len(content.focus):
        return "; ".join(
            f"{row.channel}: {row.z_um:.0f} µm ({'found' if row.is_estimated else 'given'})"
            for row in content.focus.itertuples()
        )
    z_um = content.per_frame["z_um"].dropna()
    return f"{z_um.median():.0f} µm" if len(z_um) else ""


def _frame_pictures(content: PageContent) -> list[Picture]:
    pitch_um = content.facts.pixel_pitch_um
    if not content.snapshots:
        return []
    if content.facts.until == "reconstruct":
        return [
            embed(draw_reconstruction(s, pitch_um), f"Hologram, OPD and absorption of frame {s.frame}")
            for s in content.snapshots
        ]
    pictures = [
        embed(draw_montage(content.snapshots, pitch_um), "Frames: hologram, OPD, and the cells found")
    ]
    if content.overview is not None:
        pictures.append(
            embed(draw_montage([content.overview], pitch_um), "The whole field of the last frame")
        )
    return pictures


def _montage_note(content: PageContent) -> str:
    if not content.snapshots:
        return "No frame of this acquisition could be read."
    words = "The hologram is divided by its background, so the open beam is mid grey. "
    if content.facts.until == "reconstruct":
        pairs = ", ".join(f"{w / tau:.1f} nm at {w:g} nm" for w in sorted(set(content.facts.wavelength_nm)))
        phase = f" One radian of phase is {pairs} of OPD." if pairs else ""
        return (
            "The hologram is divided by its background: 1 is the brightness of the background. OPD is the "
            f"delay of the light, absorption weakens it (amplitude = exp(−absorption)).{phase}"
        )
    if all(s.hologram is None for s in content.snapshots):
        words = "There is no hologram: OPD maps were given. "
    shape = content.snapshots[0].opd_nm.shape
    width_um = (shape[1] - 1) * content.facts.pixel_pitch_um
    if content.overview is not None:
        words += f"The columns show the central {width_um:.0f} µm of the field, the last picture all of it. "
    return f"{words}Circles mark the cells that were found; they are larger than the cells."


def _cells_part(content: PageContent) -> dict[str, Any]:
    absence = sentences.absence_of_cells(content)
    population = None
    if absence is None and content.cells is not None and len(content.per_frame) > 1:
        figure = draw_population(content.per_frame, content.cells, content.truth)
        population = embed(figure, "Number of cells and their total dry mass against time")
    quality_figure = draw_quality(content.per_frame) if len(content.per_frame) > 1 else None
    quality = None
    if quality_figure is not None:
        quality = embed(quality_figure, "Background sd, misfit and distance against time")
    return {
        "absence": absence,
        "population": population,
        "quality": quality,
        "growth": [growth_in_words(growth) for growth in content.growth],
        "has_truth": content.truth is not None,
    }


def _tracks_part(content: PageContent) -> dict[str, Any]:
    absence = sentences.absence_of_tracks(content)
    histograms = None
    if content.cells is not None and len(content.cells):
        figure = draw_histograms(
            content.cells, content.tracks, content.series, method.window_length_h(content)
        )
        histograms = embed(figure, "Histograms of how long cells were followed and of their dry mass")
    lineages = []
    if absence is None and content.tracks is not None:
        lineages = lineage_counts(content.tracks).to_numpy().tolist()
    trees = None
    if content.trees is not None and len(content.trees):
        figure = draw_trees(content.trees, content.branch_ends)
        n_trees = content.trees["lineage_id"].nunique()
        trees = embed(figure, f"Lineage trees of {n_trees} lineages; the width of a branch is dry mass")
    return {"absence": absence, "histograms": histograms, "lineages": lineages, "trees": trees}


def _anomalies_part(content: PageContent, left: int) -> dict[str, Any]:
    """Return the ranked series; `left` bytes of pictures, then their cards have words only."""
    absence = sentences.absence_of_scores(content)
    limits = opd_range_nm([t.opd_nm for s in content.suspects for t in s.thumbnails])
    cards: list[dict[str, Any]] = []
    for suspect in content.suspects:
        card = _card(suspect, content, limits)
        left -= len(card["picture"].uri)
        cards.append(card if left >= 0 else {**card, "picture": None})
    return {
        "absence": absence,
        "verdict": method.verdict(content) if absence is None else "",
        "rule": method.rule(content) if absence is None else "",
        "has_surprise": method.has_surprise(content),
        "cells": [card for card in cards if not card["suspect"].is_acquisition],
        "errors": [card for card in cards if card["suspect"].is_acquisition],
        "crop_um": content.report.crop_um,
    }


def _card(suspect: Suspect, content: PageContent, opd_limits_nm: tuple[float, float]) -> dict[str, Any]:
    pitch_um = content.facts.pixel_pitch_um
    figure = draw_card(
        suspect,
        content.score,
        pixel_pitch_um=pitch_um,
        tau_w=content.tau_w,
        opd_range_nm=opd_limits_nm,
    )
    below = "surprise of windows" if method.has_surprise(content) else "forecast error"
    return {
        "suspect": suspect,
        "kind": kind_in_words(suspect.kind),
        "rarity": share_in_words(suspect.normal_share),
        "why": explain(suspect, content.score, content.tau_w),
        "place": describe_place(suspect.onset, pitch_um),
        "life": describe_life(suspect),
        "picture": embed(
            figure, f"Series {suspect.series_id}: OPD thumbnails, dry mass and {below} against time"
        ),
    }


def _made_part(content: PageContent) -> dict[str, Any]:
    stages = list(content.made)
    version, commit = software_of(stages)
    others = [(made.stage, name, value) for made in stages for name, value in (made.others or {}).items()]
    return {
        "stages": stages,
        "version": version,
        "commit": commit,
        "has_inputs": any(made.inputs for made in stages),
        "others": others,
    }


def _truth_part(content: PageContent) -> dict[str, Any]:
    faults = content.faults
    return {
        "rows": sentences.accuracy_rows(content.accuracy),
        "faults": None if faults is None else sentences.fault_rows(faults, content.per_frame),
    }
