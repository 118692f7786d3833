/** The kernels that the lab calls on wasm; `gpu/wasm-module.ts` declares them to TypeScript. */
export { adamW, innerProduct, squaredNorms } from './adamw';
export { attendToSlots, attentionBackward, attentionForward, attentionScratch } from './attention';
export { productScratch } from './product';
export { matmul } from './products';
export {
  columnSums,
  copyParts,
  keepPlaces,
  placeKeys,
  rmsNormBackward,
  rmsNormForward,
  rotateAfter,
  rotateBackward,
  rotateForward,
  scatterRows,
  swiGluBackward,
  swiGluForward,
} from './rows';
export { labelLogProbs, tokenScoresBackward, tokenScoresForward } from './scores';
