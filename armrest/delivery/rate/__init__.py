from armrest.delivery.rate.rate_limiter import RateLimiter

__all__ = [
    "RateLimiter",
]
