INSERT INTO kunder (kundenr, navn) VALUES
(10001, 'A AS'),
(10002, 'B AS');
