from armrest.intake.rows.block_reader import Block, BlockReader, serialize_block
from armrest.intake.rows.customer_sample import CustomerSample, SampledRow
from armrest.intake.rows.duplicates import DuplicateResolver, Resolution
from armrest.intake.rows.empty_columns import fields_without_values
from armrest.intake.rows.key_hashes import KeyHashes
from armrest.intake.rows.rejects import Finding, Reject, RejectsFile
from armrest.intake.rows.rewrites import Rewrite, Rewrites
from armrest.intake.rows.trailer import Trailer

__all__ = [
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
    "fields_without_values",
    "serialize_block",
]
