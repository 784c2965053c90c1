"""What cards can do at most, and how long that makes a kernel take at least."""

import re

# Dense bf16 tensor FLOP/s, f32 FLOP/s, bytes/s, of NVIDIA's data sheets: A100 80 GB SXM, H100 SXM, H200 SXM.
CARDS = {"A100": (312e12, 19.5e12, 2.04e12), "H100": (989e12, 67e12, 3.35e12), "H200": (989e12, 67e12, 4.8e12)}

# These and others. A name is words of the driver's; GH200 is the one with 96 GB.
ALL_CARDS = CARDS | {
    "A100 40GB": (312e12, 19.5e12, 1.555e12),
    "A100 80GB PCIe": (312e12, 19.5e12, 1.935e12),
    "H100 PCIe": (756e12, 51e12, 2.0e12),
    "H100 NVL": (835e12, 60e12, 3.9e12),
    "H200 NVL": (835e12, 60e12, 4.8e12),
    "GH200": (989e12, 67e12, 4.0e12),
    "GH200 144G": (989e12, 67e12, 4.9e12),
}


def find_card(name):
    """The key of ALL_CARDS whose words the driver's name of a card holds, of several the longest; None for others."""
    words = set(re.findall(r"[a-z0-9]+", name.lower()))
    return max((card for card in ALL_CARDS if words.issuperset(card.lower().split())), key=len, default=None)


def roofline(flops, moved, uses_tensor, limits):
    """Seconds that arithmetic takes and that memory takes; a kernel takes the larger of both at least."""
    tensor, plain, bandwidth = limits
    return flops / (tensor if uses_tensor else plain), moved / bandwidth
