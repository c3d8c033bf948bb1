/**
 * Storage formats of weights, and the tensors of a model wherever they come from.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link DType}: the formats and their geometry
 * <li>{@link Codec}, {@link Encoder}: values out of a format, and into it
 * <li>{@link Weights}: a matrix of weights, however it is stored; {@link Tensor}: a view over stored values, the plain kind
 * <li>{@link Assembled}: weights from several places or in another form, of {@link Part}s: {@link Strided}, {@link SplitBlocks},
 * {@link SplitFloats}; {@link Scaled}: rows made of 8-bit floats and scales; {@link PartOfRows}
 * <li>{@link Grouped}: weights of whole numbers in groups, whose rows are as {@link Grouping} says, a {@link RowReader} as codecs are;
 * {@link GroupedBlocks}: the same in blocks, where they fit some, as {@link WholeNumbers} stand in them; {@link Rounded}: whatever it is, as
 * plain floats of a type
 * <li>{@link WeightSource}: where a model's tensors come from
 * <li>{@link FormatException}: a file that breaks its format
 * <li>io.jllm.quant.codec: a file each format; gguf, safetensors, pytorch: the kinds of file; file: what their readers share
 * </ul>
 */
package io.jllm.quant;
