package io.jllm.examples.spring;

import io.jllm.demo.DemoModel;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Tells tales: {@code java -jar app.jar}, with a model of your own {@code --spring.ai.jllm.model=FILE}. */
@SpringBootApplication
public class TaleApplication {
    /** Starts it. */
    public static void main(String[] args) {
        var application = new SpringApplication(TaleApplication.class);
        application.setDefaultProperties(Map.of("spring.ai.jllm.model", DemoModel.path().toString()));
        application.run(args);
    }
}
