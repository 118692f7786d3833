/** The kernels that the lab calls on wasm; `gpu/wasm-calls.ts` declares them to TypeScript. */
export { adamW, innerProduct, squaredNorms } from './adamw';
export { attentionBackward, attentionForward, attentionScratch } from './attention';
export { attendToSlots } from './cached-attention';
export { compressedMatmul, compressedRows, compressedScratch } from './compressed';
export { placeKeys, rotateAfter, rotateBackward, rotateForward } from './heads';
export { productScratch } from './product';
export { matmul } from './matmul';
export {
  columnSums,
  copyParts,
  keepPlaces,
  rmsNormBackward,
  rmsNormForward,
  scatterRows,
  swiGluBackward,
  swiGluForward,
} from './rows';
export { labelLogProbs, tokenScoresBackward, tokenScoresForward } from './scores';
