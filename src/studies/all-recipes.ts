/**
 * The recipes of all experiments that train, in the order of their ids.
 */
import { DISTILL_RECIPES } from './distill-recipes.ts';
import { ORDER_RECIPES } from './order-recipes.ts';
import { RECIPES } from './recipes.ts';

export const ALL_RECIPES = [...RECIPES, ...ORDER_RECIPES, ...DISTILL_RECIPES];
