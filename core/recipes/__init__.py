"""Recipes: sweeps of published experiments that the project carries, with the numbers to compare with."""

from dualtrain.core.recipes.recipe import Recipe, UnknownRecipe, load_recipe, recipe_names
from dualtrain.core.recipes.running import Result, run_recipe

__all__ = ["Recipe", "Result", "UnknownRecipe", "load_recipe", "recipe_names", "run_recipe"]
