import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/** What `make up` sees of a Metabase, by the same settings: it takes a while to start, keeps a file, and answers of its health. */
public class StandIn {
    public static void main(String[] args) throws Exception {
        InetSocketAddress address =
            new InetSocketAddress(System.getenv("MB_JETTY_HOST"), Integer.parseInt(System.getenv("MB_JETTY_PORT")));
        Path state = Path.of(System.getenv("MB_DB_FILE") + ".mv.db");
        Files.writeString(state, Files.exists(state) ? Files.readString(state) + "again\n" : "first\n");
        long ready_ms = System.currentTimeMillis() + 1_000;
        HttpServer server = HttpServer.create(address, 0);
        server.createContext("/", exchange -> {
            boolean is_health = exchange.getRequestURI().getPath().equals("/api/health");
            boolean is_ready = System.currentTimeMillis() > ready_ms;
            exchange.sendResponseHeaders(is_health ? is_ready ? 200 : 503 : 404, -1);
            exchange.close();
        });
        server.start();
    }
}
