"""Operations on sound: a pair of samples (channels, n) float32 in [-1, 1] and the rate in Hz."""

from __future__ import annotations

from curate.augment.operations.operation import Operation
from curate.augment.operations.sounds.coding import LossyCodec, Telephone
from curate.augment.operations.sounds.level import Bits, Clip, Gain, Polarity, SwapChannels
from curate.augment.operations.sounds.noise import AddNoise, BackgroundNoise, Clicks
from curate.augment.operations.sounds.rooms import Echo, Reverb
from curate.augment.operations.sounds.spectrum import BandPass, BandStop, Equalize, HighPass, LowPass
from curate.augment.operations.sounds.timing import Crop, PitchShift, Speed, TimeMask, TimeShift, TimeStretch

OPERATIONS: dict[str, type[Operation]] = {
    operation.name: operation
    for operation in (
        AddNoise,
        BackgroundNoise,
        BandPass,
        BandStop,
        Bits,
        Clicks,
        Clip,
        Crop,
        Echo,
        Equalize,
        Gain,
        HighPass,
        LossyCodec,
        LowPass,
        PitchShift,
        Polarity,
        Reverb,
        Speed,
        SwapChannels,
        Telephone,
        TimeMask,
        TimeShift,
        TimeStretch,
    )
}
