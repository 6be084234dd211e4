"""Principal components of the weighted space: a map of the personas, and what its axes are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

from applicant_personas.personas.centers import Observed
from applicant_personas.rows import FloatArray

N_COMPONENTS = 10


@dataclass(frozen=True)
class Components:
    """Loadings (components, p), the share of variance each explains, and the center (p)."""

    loadings: FloatArray
    explained: FloatArray
    center: FloatArray


def fit_components(rows: Observed) -> Components:
    """Fit scikit-learn's PCA, gaps at the mean; an axis points to where its largest loading is."""
    n_components = min(N_COMPONENTS, *rows.values.shape)
    fitted = PCA(n_components, svd_solver="covariance_eigh").fit(rows.values)
    loadings = fitted.components_
    largest = np.abs(loadings).round(9).argmax(axis=1)
    signs = np.sign(loadings[np.arange(len(loadings)), largest])
    explained = np.nan_to_num(fitted.explained_variance_ratio_)
    return Components(loadings * signs[:, np.newaxis], explained, fitted.mean_)
