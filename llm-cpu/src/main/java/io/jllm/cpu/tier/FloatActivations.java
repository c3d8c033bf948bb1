package io.jllm.cpu.tier;

import io.jllm.cpu.kernels.Angles;
import io.jllm.cpu.kernels.Attention;
import io.jllm.cpu.kernels.AttentionSite;
import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.RopeSite;
import io.jllm.cpu.kernels.Rotation;
import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.StoredProducts;
import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.os.LargeMemory;
import java.util.Optional;

/** Another tier, but that quantised weights are multiplied by floats. */
record FloatActivations(CpuKernels next) implements CpuKernels {
    @Override
    public String name() {
        return next.name();
    }

    @Override
    public String describe() {
        return next.describe();
    }

    @Override
    public StoredProducts stored() {
        return next.stored();
    }

    @Override
    public Optional<PackedProducts> packed(WeightFormat format) {
        return format.tokens() == TokenFormat.FLOATS ? next.packed(format)
                : next.packed(WeightFormat.F32).map(floats -> new DecodedProducts(decoder(format), floats, next.packed(format)));
    }

    @Override
    public Decoder decoder(WeightFormat format) {
        return next.decoder(format);
    }

    @Override
    public RowKernels rows() {
        return next.rows();
    }

    @Override
    public ThinProducts thin() {
        return next.thin();
    }

    @Override
    public Rotation rope(RopeSite site) {
        return next.rope(site);
    }

    @Override
    public Rotation.Heads rotation(RopeShape shape, Angles angles) {
        return next.rotation(shape, angles);
    }

    @Override
    public Attention attention(AttentionSite site) {
        return next.attention(site);
    }

    @Override
    public LargeMemory memory() {
        return next.memory();
    }
}
