package io.jllm.load.fuzz;

import io.jllm.convert.Converter;
import io.jllm.load.Repacked;
import io.jllm.model.GoldenModel;
import io.jllm.quant.DType;
import io.jllm.tokenizer.GoldenFiles;
import io.jllm.tokenizer.UnigramJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Sound models of every kind of file, small ones, each in a folder of its own. */
final class Seeds {
    private Seeds() {
    }

    /** Writes them below a folder. */
    static void write(Path into) throws IOException {
        Path plain = folder(into, "plain", "llama-tied", "byte-level");
        Path eight = folder(into, "eight", "qwen3", "metaspace");
        var tensors = new Repacked(eight);
        List.copyOf(tensors.tensors.keySet()).stream().filter(n -> n.endsWith("_proj.weight")).forEach(n -> tensors.eightBits(n, 16, 16, "_scale_inv"));
        tensors.safetensors(eight);
        extend(eight, "\"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [16, 16], \"activation_scheme\": \"dynamic\"}");
        Path torch = folder(into, "torch", "llama-biases", "sentence-piece");
        new Repacked(torch).pytorch(torch.resolve("pytorch_model-00001-of-00001.bin"));
        var index = new StringBuilder();
        new Repacked(torch).tensors.keySet().forEach(n -> index.append(index.isEmpty() ? "" : ",").append('"').append(n)
                .append("\":\"pytorch_model-00001-of-00001.bin\""));
        Files.writeString(torch.resolve("pytorch_model.bin.index.json"), "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + index + "}}");
        Files.delete(torch.resolve("model.safetensors"));
        Path windows = folder(into, "windows", "mistral-window", "byte-level");
        extend(windows, "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, "
                + "\"original_max_position_embeddings\": 64}");
        Path pieces = folder(into, "pieces", "llama-grouped", "sentence-piece");
        Files.delete(pieces.resolve("tokenizer.json"));
        try (var in = Seeds.class.getResourceAsStream("tokenizer.model")) {
            Files.write(pieces.resolve("tokenizer.model"), in.readAllBytes());
        }
        Path unigram = golden(into, "unigram", "unigram-tidied");
        Path unigramJson = golden(into, "unigram-json", "unigram");
        UnigramJson.write("unigram", unigramJson, UnigramJson.PRECOMPILED + ", " + UnigramJson.ONE_SPACE, UnigramJson.METASPACE, false);
        golden(into, "tiktoken", "qwen");
        golden(into, "merges", "merges-qwen2");
        for (Packing packing : Packing.values()) {
            packing.rewrite(folder(into, "packed-" + packing.name().toLowerCase(Locale.ROOT), "llama-grouped", "sentence-piece"));
        }
        gguf(plain, into.resolve("gguf-q8"), DType.Q8_0);
        gguf(unigram, into.resolve("gguf-unigram"), DType.Q5_1);
        gguf(eight, into.resolve("gguf-f16"), DType.F16);
        gguf(torch, into.resolve("gguf-q4"), DType.Q4_0);
    }

    private static Path folder(Path into, String name, String family, String tokenizer) throws IOException {
        Path unpacked = GoldenModel.unpack(family, "config.json", into.resolve("unpacked"));
        Path folder = Files.move(unpacked, into.resolve(name));
        Files.delete(into.resolve("unpacked"));
        for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
            try (var in = Seeds.class.getResourceAsStream("/io/jllm/tokenizers/" + tokenizer + "/" + file)) {
                Files.write(folder.resolve(file), in.readAllBytes());
            }
        }
        Files.writeString(folder.resolve("generation_config.json"), "{\"temperature\": 0.6, \"top_k\": 20, \"top_p\": 0.95, \"do_sample\": true, "
                + "\"repetition_penalty\": 1.1, \"eos_token_id\": [1, 2], \"transformers_version\": \"5.0\"}");
        return folder;
    }

    /** A model with a tokenizer of {@link GoldenFiles}. */
    private static Path golden(Path into, String name, String tokenizer) throws IOException {
        Path folder = folder(into, name, "llama-grouped", "sentence-piece");
        Files.delete(folder.resolve("tokenizer.json"));
        Files.delete(folder.resolve("tokenizer_config.json"));
        GoldenFiles.unpack(tokenizer, folder);
        return folder;
    }

    private static void extend(Path folder, String member) throws IOException {
        Path config = folder.resolve("config.json");
        String json = Files.readString(config).strip();
        Files.writeString(config, json.substring(0, json.length() - 1) + ", " + member + "}");
    }

    private static void gguf(Path folder, Path into, DType type) throws IOException {
        Files.createDirectories(into);
        Converter.convert(folder, into.resolve("model.gguf"), Converter.Options.of(type), Converter.Progress.NONE);
    }

    /** The models below a folder: each folder in it. */
    static List<Path> models(Path below) throws IOException {
        try (var list = Files.list(below)) {
            return new ArrayList<>(list.filter(f -> Files.isDirectory(f) && !f.getFileName().toString().startsWith("."))
                    .sorted().toList());
        }
    }
}
