"""What cards can do at most, and how long that makes a kernel take at least."""

# Dense bf16 tensor FLOP/s, f32 FLOP/s, bytes/s (NVIDIA's data sheets: A100 80 GB SXM, H100 SXM, H200).
CARDS = {"A100": (312e12, 19.5e12, 2.04e12), "H100": (989e12, 67e12, 3.35e12), "H200": (989e12, 67e12, 4.8e12)}


def find_card(name):
    """The key of CARDS that the driver's name of a card holds; None for others."""
    return next((card for card in CARDS if card in name), None)


def roofline(flops, moved, uses_tensor, limits):
    """Seconds that arithmetic takes and that memory takes; a kernel takes the larger of both at least."""
    tensor, plain, bandwidth = limits
    return flops / (tensor if uses_tensor else plain), moved / bandwidth
