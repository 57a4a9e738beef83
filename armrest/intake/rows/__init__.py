from armrest.intake.rows.block_reader import Block, BlockReader, serialize_block
from armrest.intake.rows.customer_sample import CustomerSample, SampledRow
from armrest.intake.rows.duplicates import DuplicateResolver, Resolution
from armrest.intake.rows.key_hashes import KeyHashes
from armrest.intake.rows.number_forms import ALMOST_A_DUPLICATE, AlmostDuplicates
from armrest.intake.rows.rejects import Finding, Reject, RejectsFile
from armrest.intake.rows.rewrites import Rewrite, Rewrites
from armrest.intake.rows.trailer import Trailer
from armrest.intake.rows.used_columns import empty_columns

__all__ = [
    "ALMOST_A_DUPLICATE",
    "AlmostDuplicates",
    "Block",
    "BlockReader",
    "CustomerSample",
    "DuplicateResolver",
    "Finding",
    "KeyHashes",
    "Reject",
    "RejectsFile",
    "Resolution",
    "Rewrite",
    "Rewrites",
    "SampledRow",
    "Trailer",
    "empty_columns",
    "serialize_block",
]
