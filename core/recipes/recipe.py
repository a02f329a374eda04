"""A recipe: a sweep, what was published, and what came out here with its tolerance."""

from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from dualtrain.core.overrides import overridden
from dualtrain.core.sweep import SweepSpec


class UnknownRecipe(ValueError):
    """There is no recipe of this name."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Percent = Annotated[float, Field(ge=0, le=100)]


class Expectation(_Part):
    """The test error of a cell in percent: as published, and as it came out here within `tolerance` points."""

    published: Percent | None = None
    here: Percent | None = None
    tolerance: Percent = 0.5


class Recipe(_Part):
    """A published experiment as a sweep. `small` changes its base to something that runs within seconds."""

    title: str
    source: str
    notes: str = ""
    sweep: SweepSpec
    expected: dict[str, Expectation] = Field({}, description="by the name of the cell")
    small: dict[str, Any] = Field({}, description="changes of the base, by path")

    def sized(self, small: bool) -> SweepSpec:
        """Return the sweep, or its small version: one seed, the same cells, other numbers."""
        if not small:
            return self.sweep
        variants = tuple(
            variant.model_copy(update={"set": variant.set | self.small}) for variant in self.sweep.variants
        )
        base = overridden(self.sweep.base, self.small)
        return self.sweep.model_copy(update={"base": base, "variants": variants, "seeds": 1})


def recipe_names() -> list[str]:
    """Return the names of all recipes."""
    return sorted(path.name.removesuffix(".json") for path in _folder().iterdir() if path.name.endswith(".json"))


def load_recipe(name: str) -> Recipe:
    """Return a recipe. Raises UnknownRecipe."""
    if name not in recipe_names():
        raise UnknownRecipe(f"there is no recipe {name!r}; there are: {', '.join(recipe_names())}")
    return Recipe.model_validate_json((_folder() / f"{name}.json").read_text("utf-8"))


def _folder() -> Any:
    return files("dualtrain.core.recipes") / "data"
