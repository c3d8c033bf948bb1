/**
 * Generators: what machine code does, instruction by instruction. Products of rearranged weights: {@link io.jllm.cpu.machine.code.ProductCode} has
 * the loops, BlockCode (IntegerCode with PlaneCode and ScaleCode, or FloatCode with EightBitCode) the inner part;
 * {@link io.jllm.cpu.machine.code.PackCode} rearranges, {@link io.jllm.cpu.machine.code.DecodeCode} makes floats of what is rearranged.
 * Attention: {@link io.jllm.cpu.machine.code.AttentionCode} with ScoreCode, SoftmaxCode and ValueCode, then
 * {@link io.jllm.cpu.machine.code.MergeCode}. Rows: {@link io.jllm.cpu.machine.code.RowCode}, {@link io.jllm.cpu.machine.code.RopeCode},
 * {@link io.jllm.cpu.machine.code.QuantizeCode}.
 *
 * <p>Functions are called as the System V ABI for x86-64 says: arguments in rdi, rsi, rdx, rcx, r8, r9 and on the stack; rbx, rbp and r12 to
 * r15 are given back as they were. Not exported.
 */
package io.jllm.cpu.machine.code;
