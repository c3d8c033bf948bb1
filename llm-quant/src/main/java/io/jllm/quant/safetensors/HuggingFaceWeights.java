package io.jllm.quant.safetensors;

import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of a Hugging Face folder under GGUF's names: {@code model.safetensors}, or the shards that
 * {@code model.safetensors.index.json} names, or else {@code pytorch_model.bin} or its shards. Values are not changed, but for floats of 8 bits,
 * which are read with their scales: see {@link io.jllm.quant.Scaled}. Packed weights of GPTQ, AWQ, bitsandbytes, compressed-tensors and torchao
 * have the names of weights that are not packed. Rows of q and k stand as the checkpoint has them, for rotation by halves (NEOX), where GGUF
 * files of the llama family have them for rotation by pairs.
 *
 * <p>Safe for use by many threads.
 */
public final class HuggingFaceWeights implements WeightSource {
    private final Path dir;
    private final CheckpointFiles files;
    private final Map<String, Weights> tensors = new LinkedHashMap<>();
    private final Map<String, Origin> origins = new HashMap<>();
    private final Map<String, String> unreadable = new HashMap<>();

    /**
     * Where a tensor stands in the files.
     *
     * @param tensor the name that they have for it, or for what it is a part of
     * @param firstRow its first row there, or element of a vector
     */
    public record Origin(String tensor, long firstRow) {
    }

    private HuggingFaceWeights(Path dir, CheckpointFiles files) {
        this.dir = dir;
        this.files = files;
    }

    /** {@link #open(Path, HuggingFaceNames)} with {@link HuggingFaceNames#LLAMA}. */
    public static HuggingFaceWeights open(Path dir) throws IOException {
        return open(dir, HuggingFaceNames.LLAMA);
    }

    /** {@link #open(Path, HuggingFaceNames, Optional, Optional)} of a folder that says nothing of how weights are packed. */
    public static HuggingFaceWeights open(Path dir, HuggingFaceNames names) throws IOException {
        return open(dir, names, Optional.empty(), Optional.empty());
    }

    /**
     * Maps the files of a folder.
     *
     * @param dir the folder
     * @param names how its family names things, with {@code model.} before the names or without it, and also below what wraps a model
     *     ({@code language_model.}, {@code module.} and their like); names that it does not know are kept
     * @param block the blocks of floats of 8 bits that share a scale, if the folder says so
     * @param form how whole numbers are packed, if the folder says so
     * @throws IOException if a file cannot be read
     * @throws FormatException if the folder holds no files of tensors, or one is broken or missing, or a tensor does not have the
     *     rows that {@code names} cuts it into, or scales that fit it, or a packed weight lacks a part
     */
    public static HuggingFaceWeights open(Path dir, HuggingFaceNames names, Optional<ScaleBlock> block, Optional<PackedForm> form)
            throws IOException {
        if (!Files.isDirectory(dir)) {
            throw new FormatException(dir.toString(), "the path", "is not a folder; one with model.safetensors is wanted");
        }
        var open = new HuggingFaceWeights(dir, CheckpointFiles.open(dir));
        boolean done = false;
        try {
            open.add(EightBitScales.joined(PackedTensors.joined(open.files.tensors(), form), block), names);
            done = true;
            return open;
        } finally {
            if (!done) {
                open.close();
            }
        }
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    @Override
    public Optional<Weights> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /**
     * {@inheritDoc}
     *
     * @throws FormatException if there is one of a type that cannot be read here
     */
    @Override
    public Weights get(String name) {
        Weights w = tensors.get(name);
        if (w == null) {
            throw new FormatException(dir.toString(), "tensor " + name, unreadable.getOrDefault(name, "is missing"));
        }
        return w;
    }

    /** Where the tensor of that name stands in the files; empty if there is none, or none that can be read. */
    public Optional<Origin> origin(String name) {
        return Optional.ofNullable(origins.get(name));
    }

    /**
     * The tensors of the files as these have them, under their own names, in their order; parts of packed weights one by one.
     *
     * @throws FormatException if there is one of a type that cannot be read here
     */
    public List<StoredTensor> stored() {
        return files.tensors().stream().map(t -> switch (t.values()) {
            case CheckpointTensor.Plain(Tensor values) -> new StoredTensor(t.name(), values.type(), t.shape(), values.data());
            case CheckpointTensor.Values _ -> throw t.broken("is of type " + t.dtype() + ", which cannot be copied");
        }).toList();
    }

    /** {@inheritDoc} Closing twice does nothing. */
    @Override
    public void close() {
        files.close();
    }

    /** Those that are spelled as they should be first, then others, unless there is one already; the rest under their own names. */
    private void add(List<CheckpointTensor> all, HuggingFaceNames names) {
        var others = new ArrayList<CheckpointTensor>();
        for (CheckpointTensor t : all) {
            if (names.knows(t.name())) {
                add(names.resolve(t.name()), t);
            } else {
                others.add(t);
            }
        }
        var taken = new HashSet<>(tensors.keySet());
        taken.addAll(unreadable.keySet());
        for (CheckpointTensor t : others) {
            HuggingFaceNames.Rule own = new HuggingFaceNames.Rename(t.name(), t.name());
            add(names.resolveRespelled(t.name()).filter(rule -> switch (rule) {
                case HuggingFaceNames.Rename r -> !taken.contains(r.to());
                case HuggingFaceNames.Split s -> s.parts().stream().noneMatch(p -> taken.contains(p.to()));
            }).orElse(own), t);
        }
    }

    private void add(HuggingFaceNames.Rule rule, CheckpointTensor t) {
        switch (rule) {
            case HuggingFaceNames.Rename r when !t.readable() -> unreadable(r.to(), t);
            case HuggingFaceNames.Rename r -> put(t, t.named(r.to()), 0);
            case HuggingFaceNames.Split s when !t.readable() -> s.parts().forEach(p -> unreadable(p.to(), t));
            case HuggingFaceNames.Split s -> split(s, t);
        }
    }

    private void unreadable(String name, CheckpointTensor t) {
        unreadable.put(name, "(" + t.name() + ") is of type " + t.dtype() + ", which cannot be read");
    }

    private void split(HuggingFaceNames.Split rule, CheckpointTensor t) {
        if (rule.rows() != t.rows()) {
            throw t.broken("has " + t.rows() + " rows, to be cut into " + rule.parts().stream().map(p -> p.to() + " of " + p.rows()).toList());
        }
        long from = 0;
        for (HuggingFaceNames.Part p : rule.parts()) {
            put(t, t.part(p.to(), from, from + p.rows()), from);
            from += p.rows();
        }
    }

    private void put(CheckpointTensor t, Weights w, long firstRow) {
        if (tensors.putIfAbsent(w.name(), w) != null) {
            throw t.broken("becomes " + w.name() + ", which there is already");
        }
        origins.put(w.name(), new Origin(t.name(), firstRow));
    }
}
