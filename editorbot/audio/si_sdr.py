"""Scale-invariant signal-to-distortion ratio, the measure of separation."""

import numpy as np


def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    """SI-SDR of `estimate` in dB; both (..., T), flattened.

    The part of the estimate that is a multiple of the reference, against the rest of it
    (Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019, equations 3 to 5, means not
    removed). Infinite for a perfect estimate, minus infinity for one orthogonal to the reference.

    Raises:
        ValueError: The shapes differ, or the reference or the estimate is silent.
    """
    if estimate.shape != reference.shape:
        raise ValueError(f"expected an estimate of shape {reference.shape}, got {estimate.shape}")
    estimate = estimate.astype(np.float64).ravel()
    reference = reference.astype(np.float64).ravel()
    reference_power = reference @ reference
    if reference_power == 0 or not estimate.any():
        raise ValueError("SI-SDR is undefined where the reference or the estimate is silent")
    target = (estimate @ reference / reference_power) * reference
    distortion = estimate - target
    with np.errstate(divide="ignore"):
        return float(10 * np.log10((target @ target) / (distortion @ distortion)))
