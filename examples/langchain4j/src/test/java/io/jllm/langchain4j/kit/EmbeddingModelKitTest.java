package io.jllm.langchain4j.kit;

import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.common.AbstractEmbeddingModelIT;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import io.jllm.LLM;
import io.jllm.demo.DemoModel;
import io.jllm.langchain4j.JllmEmbeddingModel;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of embedding models, with the demo model; nothing but images is switched off. */
class EmbeddingModelKitTest extends AbstractEmbeddingModelIT {
    private final LLM llm = LLM.load(DemoModel.path()).threads(1).open();

    @AfterAll
    void close() {
        llm.close();
    }

    private static EmbeddingModel model(LLM llm, List<EmbeddingModelListener> listeners) {
        return JllmEmbeddingModel.builder(llm).queryPrefix("query: ").documentPrefix("passage: ").listeners(listeners).build();
    }

    @Override
    protected List<EmbeddingModel> models() {
        return List.of(model(llm, List.of()));
    }

    @Override
    protected EmbeddingModel modelWith(EmbeddingModelListener listener) {
        return model(llm, List.of(listener));
    }

    @Override
    protected EmbeddingModel failingModelWith(EmbeddingModelListener listener) {
        return model(Kit.closed(), List.of(listener));
    }

    @Override
    protected boolean supportsImageInput() {
        return false;
    }
}
