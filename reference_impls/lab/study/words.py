"""The texts of a method."""

from reference_impls.lab.bilingual import Words as Words
