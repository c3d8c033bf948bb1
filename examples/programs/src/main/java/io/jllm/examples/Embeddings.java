package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.demo.DemoModel;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.embedding.Pooling;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** Finds the text that is nearest to a question. Arguments: a model, a question; without them the demo model looks for the sea. */
public final class Embeddings {
    private static final List<Prompt> TEXTS = Prompt.all("The ship sailed over the stormy sea.", "The cook baked bread in the kitchen.",
            "The king sat on his golden throne.");

    private Embeddings() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        Path model = args.length > 0 ? Path.of(args[0]) : DemoModel.path();
        Prompt question = Prompt.of(args.length > 1 ? args[1] : "The boat was on the waves of the ocean.");
        try (LLM llm = LLM.load(model).open()) {
            EmbeddingParams params = EmbeddingParams.defaults().withPooling(Pooling.MEAN);
            float[] wanted = llm.embed(List.of(question), params).getFirst().vector();
            llm.embed(TEXTS, params).stream().sorted(Comparator.comparingDouble((EmbeddingOutput o) -> -dot(o.vector(), wanted)))
                    .forEach(o -> System.out.printf("%.4f %s%n", dot(o.vector(), wanted), o.prompt()));
        }
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
